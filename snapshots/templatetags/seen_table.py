"""What has changed since a form's page was opened, with what was typed there."""

from typing import Any, ClassVar, Protocol

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from snapshots.templatetags.records import compared_value
from snapshots.templatetags.table import Column, Table, context_of

register = template.Library()


class Difference(Protocol):
    """A fact that is not as the page showed it. None: there is no such thing."""

    @property
    def label(self) -> str: ...
    @property
    def before(self) -> str | None: ...
    @property
    def now(self) -> str | None: ...
    @property
    def typed(self) -> str | None: ...


class Form(Protocol):
    """`compares_typed`: it changes such facts."""

    compares_typed: ClassVar[bool]
    differences: list[Difference]


_COLUMNS: tuple[Column[Difference], ...] = (
    Column(
        gettext_lazy("What"),
        lambda row: format_html("<bdi>{}</bdi>", row.label),
        is_row_head=True,
    ),
    Column(
        gettext_lazy("When the page was opened"),
        lambda row: compared_value(row.before),
        phone_label=gettext_lazy("Before"),
    ),
    Column(gettext_lazy("Now"), lambda row: compared_value(row.now)),
)
_TYPED: Column[Difference] = Column(gettext_lazy("Yours"), lambda row: compared_value(row.typed))


@register.inclusion_tag("_table.html")
def seen_table(form: Form) -> dict[str, Table[Any]]:
    return context_of(
        Table(
            gettext_lazy("What has changed since the page was opened"),
            (*_COLUMNS, _TYPED) if form.compares_typed else _COLUMNS,
            form.differences,
            css="kept",
        )
    )
