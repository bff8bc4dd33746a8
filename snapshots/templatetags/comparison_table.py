"""The fields of a snapshot as asked, as answered and as read last."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy, pgettext_lazy

from snapshots.audit.record.comparison import Comparison, Row
from snapshots.templatetags.records import compared_value
from snapshots.templatetags.table import Column, Table, context_of

register = template.Library()


def _compared(row: Row) -> SafeString:
    return format_html(
        '<span class="badge badge--{}">{}</span>',
        row.verdict.tone,
        capfirst(str(row.verdict.label)),
    )


_FIELD: Column[Row] = Column(
    gettext_lazy("Field"), lambda row: format_html("<bdi>{}</bdi>", row.field), is_row_head=True
)
_ASKED: Column[Row] = Column(
    pgettext_lazy("a value", "Asked"), lambda row: compared_value(row.asked)
)
_ANSWERED: Column[Row] = Column(
    gettext_lazy("Kept, by the answer"),
    lambda row: compared_value(row.answered),
    phone_label=gettext_lazy("Answer"),
)
_READ: Column[Row] = Column(
    gettext_lazy("Kept, as read last"),
    lambda row: compared_value(row.seen),
    phone_label=gettext_lazy("Read last"),
)
_COMPARED: Column[Row] = Column(gettext_lazy("Compared"), _compared)


@register.inclusion_tag("_table.html")
def comparison_table(comparison: Comparison) -> dict[str, Table[Any]]:
    """Only the columns of which there is anything to compare."""
    answered = (_ANSWERED,) if comparison.has_answer else ()
    read = (_READ,) if comparison.seen_at else ()
    return context_of(
        Table(
            gettext_lazy(
                "Each field as asked, as the cloud answered, and as the portal read it last"
            ),
            (_FIELD, _ASKED, *answered, *read, _COMPARED),
            comparison.rows,
            css="kept",
            row_css=lambda row: "kept__row--differs" if row.verdict.differs else "",
        )
    )
