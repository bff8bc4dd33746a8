"""Pages that stay true while they are open: their parts, each with a digest of what it says.

`{% live %}` stands around the element that asks for news, `{% part %}` around each element that is
brought up to date alone. Both write what the script `live.js` needs into that element's tag. Where
the context has no `live`, they write nothing.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from django import template
from django.template import Context, Node, NodeList
from django.template.base import FilterExpression, Parser, Token
from django.utils.html import format_html
from django.utils.safestring import SafeString

from snapshots.models import Operation, OperationState

register = template.Library()

BEFORE_ANSWER = {OperationState.QUEUED, OperationState.SENDING}
# What differs between two writings of the same: how long ago, tokens of forms, the order of a list.
_VOLATILE = re.compile(r'data-(?:ago|lasting)>[^<]*|data-order="[^"]*"')
_OF_FORMS = re.compile(r'name="(?:csrfmiddlewaretoken|key)" value="[^"]*"')


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the page is to ask: the script grows slower since the last change."""

    changed_at: datetime | None = None  # of what is unfinished; None: nothing is
    is_soon: bool = False  # the next change takes a moment

    @property
    def is_open(self) -> bool:
        return self.changed_at is not None


def pace_of(operations: Iterable[Operation]) -> Pace:
    """Of a page with these operations on it: the one that changed last sets it."""
    unfinished = [operation for operation in operations if not operation.is_final]
    if not unfinished:
        return Pace()
    latest = max(unfinished, key=lambda operation: operation.state_at)
    return Pace(latest.state_at, is_soon=latest.status in BEFORE_ANSWER)


@dataclass(slots=True)
class Live:
    """What a page has of itself while it is written."""

    address: str
    pace: Pace
    parts: dict[str, SafeString] = field(default_factory=dict)  # by the ids of their elements
    digests: dict[str, str] = field(default_factory=dict)
    orders: dict[str, Sequence[str]] = field(default_factory=dict)  # of lists: ids of their rows
    root: str = ""
    shape: str = ""  # all but the parts

    def add_part(self, name: str, element: str) -> SafeString:
        """The element with the digest of what it says in its tag."""
        return self.add(name, *digested(element))

    def add(self, name: str, element: SafeString, digest: str) -> SafeString:
        """An element that has its digest in its tag already."""
        self.digests[name] = digest
        self.parts[name] = element
        return element

    def add_order(self, name: str, rows: Sequence[str]) -> SafeString:
        """The attribute by which a list says in which order its rows are."""
        self.orders[name] = rows
        return format_html(' data-order="{}"', order_digest(name, rows))

    def close(self, element: str) -> SafeString:
        """The element around all parts, with the version of the whole page in its tag."""
        outside = element
        for part in self.parts.values():
            outside = outside.replace(part, "", 1)
        self.shape = digest_of(" ".join(outside.split()))
        changed_at = self.pace.changed_at.isoformat() if self.pace.changed_at else ""
        attributes = format_html(
            ' data-live="{}" data-version="{}" data-shape="{}" data-changed="{}"{}',
            self.address,
            self.version,
            self.shape,
            changed_at,
            SafeString(" data-soon" if self.pace.is_soon else ""),
        )
        root = with_attributes(element, attributes)
        self.root = root
        return root

    @property
    def version(self) -> str:
        """Of all that the page says; another one when any of it is another."""
        orders = (order_digest(name, rows) for name, rows in sorted(self.orders.items()))
        digests = (f"{name} {digest}" for name, digest in sorted(self.digests.items()))
        return digest_of("\n".join([self.shape, *orders, *digests]))


def live_in(context: Context) -> Live | None:
    """The open page that is being written; None: a page that asks for no news."""
    live: Live | None = context.get("live")
    return live


def digest_of(text: str) -> str:
    said = _VOLATILE.sub("", text)
    if "<form" in said:
        said = _OF_FORMS.sub("", said)
    return urlsafe_b64encode(blake2b(said.encode(), digest_size=9).digest()).decode()


def digested(element: str) -> tuple[SafeString, str]:
    """The element with the digest of what it says in its tag, and that digest."""
    digest = digest_of(element)
    return with_attributes(element, f' data-part="{digest}"'), digest


def order_digest(name: str, rows: Sequence[str]) -> str:
    return digest_of(" ".join([name, *rows]))


def with_attributes(element: str, attributes: str) -> SafeString:
    """The element's markup with attributes, which are markup too, in its first tag."""
    return SafeString(_FIRST_TAG.sub(rf"\1{attributes}", element.strip(), count=1))


_FIRST_TAG = re.compile(r"^(<\w+)")


@dataclass
class _PartNode(Node):
    nodelist: NodeList
    name: FilterExpression

    def render(self, context: Context) -> SafeString:
        element = self.nodelist.render(context)
        live = live_in(context)
        return element if live is None else live.add_part(self.name.resolve(context), element)


@dataclass
class _LiveNode(Node):
    nodelist: NodeList

    def render(self, context: Context) -> SafeString:
        element = self.nodelist.render(context)
        live = live_in(context)
        return element if live is None else live.close(element)


@register.tag
def part(parser: Parser, token: Token) -> _PartNode:
    """`{% part "status" %}<section id="status">…</section>{% endpart %}`."""
    name = parser.compile_filter(token.split_contents()[1])
    nodelist = parser.parse(("endpart",))
    parser.delete_first_token()
    return _PartNode(nodelist, name)


@register.tag("live")
def live_tag(parser: Parser, _token: Token) -> _LiveNode:
    """`{% live %}<div id="rows">…</div>{% endlive %}`."""
    nodelist = parser.parse(("endlive",))
    parser.delete_first_token()
    return _LiveNode(nodelist)
