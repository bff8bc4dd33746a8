"""What a list is narrowed by, each with a link that takes it away."""

from collections.abc import Iterable
from typing import Any, Protocol

from django import template
from django.http import QueryDict
from django.template import Context

register = template.Library()
_CURSORS = ("before", "after")  # where a page of the list begins


class _Chip(Protocol):
    @property
    def name(self) -> str: ...


class _Narrowing(Protocol):
    def chips(self) -> Iterable[_Chip]: ...


@register.inclusion_tag("_chips.html", takes_context=True)
def chips(context: Context, form: _Narrowing) -> dict[str, Any]:
    """The filled-in fields of a form that narrows a list."""
    query = context["request"].GET
    return {"chips": [(chip, _address_without(query, chip.name)) for chip in form.chips()]}


def _address_without(query: QueryDict, name: str) -> str:
    rest = query.copy()
    for key in (name, *_CURSORS):
        rest.pop(key, None)
    return f"?{rest.urlencode()}"
