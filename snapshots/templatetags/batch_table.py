"""The lists of a batch: what will happen to each snapshot, what cannot, and what became of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.localized import between_sentences
from snapshots.models import Operation
from snapshots.models.directions import isolated
from snapshots.operations.messages import sentences_of
from snapshots.selectors.batches import Choice
from snapshots.templatetags.cells import long_text, quiet
from snapshots.templatetags.live import live_in
from snapshots.templatetags.operations_table import (
    HasOperation,
    live_operations,
    operation_link,
)
from snapshots.templatetags.sizes import brief
from snapshots.templatetags.snapshots_table import volume_link
from snapshots.templatetags.states import badge
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import moment

register = template.Library()


def _name(choice: Choice) -> SafeString:
    """With the box that chooses a snapshot which has changed since it was shown."""
    name = _label(choice)
    if choice.is_confirmed or choice.why_not:
        return name
    box = format_html(
        '<input type="checkbox" name="seen" value="{}" aria-label="{}">',
        choice.text_and_state,
        _("Include {name}").format(name=isolated(choice.snapshot.label) if choice.snapshot else ""),
    )
    why = format_html('<span class="quiet">{}</span>', _("has changed; tick it to include it"))
    return format_html('<span class="chosen">{}<span>{}<br>{}</span></span>', box, name, why)


def _label(choice: Choice) -> SafeString:
    if choice.snapshot is None:
        return format_html('<code class="long">{}</code>', choice.text)
    # The id too: several snapshots of a volume may have the same name.
    name = long_text(choice.snapshot.name) if choice.snapshot.name else _("unnamed")
    return format_html(
        '<span class="beside">{} {}</span>', name, brief(choice.snapshot.snapshot_id)
    )


def _volume(choice: Choice) -> SafeString:
    row = choice.snapshot
    return volume_link(row.cloud, row.volume_id, row.volume_name) if row else SafeString()


def _age(choice: Choice) -> str:
    """How long ago it was made; empty for a snapshot that the person does not see."""
    return moment(choice.snapshot.listed_at) if choice.snapshot else ""


_COLUMNS: tuple[Column[Choice], ...] = (
    Column(gettext_lazy("Snapshot"), _name),
    Column(gettext_lazy("Volume"), _volume, css="cards__volume"),
    Column(gettext_lazy("Created"), _age),
)
_WHY_NOT: Column[Choice] = Column(
    gettext_lazy("Why not"), lambda choice: format_html("{}", choice.why_not)
)


@register.inclusion_tag("_table.html")
def possible_table(choices: Sequence[Choice]) -> dict[str, Table[Any]]:
    caption = gettext_lazy("Snapshots that this is done to")
    return context_of(Table(caption, _COLUMNS, choices, css="cards cards--dense"))


@register.inclusion_tag("_table.html")
def left_out_table(choices: Sequence[Choice]) -> dict[str, Table[Any]]:
    caption = gettext_lazy("Snapshots that are left out")
    columns = (*_COLUMNS, _WHY_NOT)
    return context_of(Table(caption, columns, choices, css="cards cards--dense"))


# --- what became of it -----------------------------------------------------------------------


def _sentences(operation: Operation) -> SafeString:
    return format_html_join(
        between_sentences(), "{}", ((text,) for text in sentences_of(operation))
    )


_OF_OPERATIONS: tuple[Column[HasOperation], ...] = (
    Column(gettext_lazy("Snapshot"), lambda row: operation_link(row.operation)),
    Column(
        gettext_lazy("Volume"),
        lambda row: long_text(row.operation.volume_name or row.operation.volume_id),
        css="cards__volume",
    ),
    Column(gettext_lazy("State"), lambda row: badge(row.operation)),
    Column(gettext_lazy("What that means"), lambda row: quiet(_sentences(row.operation))),
)


class _Row(NamedTuple):
    operation: Operation


@register.inclusion_tag("_table.html", takes_context=True)
def batch_table(context: Context, operations: Sequence[Operation]) -> dict[str, Table[Any]]:
    live = live_in(context)
    return context_of(
        Table(
            gettext_lazy("What was asked for each snapshot"),
            _OF_OPERATIONS,
            [_Row(operation) for operation in operations],
            live_rows=live_operations(live),
        )
    )
