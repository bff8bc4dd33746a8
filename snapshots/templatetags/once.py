"""Parts of pages that are rendered once for all that they depend on.

`{% once user|may_ask %}…{% endonce %}`: the values are everything that the part depends on besides
the language, and texts, numbers or tuples of them. What is a person's own, as the token of a form,
does not stand in such a part.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from django import template
from django.forms import BoundField
from django.template import Context, Node, NodeList
from django.template.base import FilterExpression, Parser, Token
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()
MOST = 1000  # parts of one process
LONGEST = 10_000  # letters of a part: what a person typed may be longer

_rendered: dict[Hashable, SafeString] = {}


@dataclass(eq=False)  # two parts with the same values are two parts
class _OnceNode(Node):
    nodelist: NodeList
    values: Sequence[FilterExpression]

    def render(self, context: Context) -> SafeString:
        key = (self, get_language(), *(value.resolve(context) for value in self.values))
        part = _rendered.get(key)
        if part is None:
            part = self.nodelist.render(context)
            if len(_rendered) >= MOST:
                _rendered.clear()
            if len(part) <= LONGEST:
                _rendered[key] = part
        return part


@register.tag
def once(parser: Parser, token: Token) -> _OnceNode:
    """See the module."""
    values = [parser.compile_filter(value) for value in token.split_contents()[1:]]
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return _OnceNode(nodelist, values)


@register.filter
def content(field: BoundField) -> Hashable:
    """All that the markup of a field depends on: its form, what was typed and what is wrong with
    that, and what it offers.
    """
    widget = field.field.widget
    choices = tuple((repr(value), str(label)) for value, label in getattr(widget, "choices", ()))
    return (
        # As repr: a field that was left out has None, and somebody may type "None".
        *(type(field.form), type(widget), field.html_name, field.auto_id, repr(field.value())),
        *(str(field.errors) if field.errors else "", str(field.label), str(field.help_text)),
        *(choices, str(widget.attrs), field.field.required, field.field.disabled),
    )
