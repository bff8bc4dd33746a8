"""The lists of snapshots: columns that people choose from, and heads that order the list."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import Maker, Snapshot
from snapshots.models.directions import isolated
from snapshots.templatetags.cells import long_text, quiet
from snapshots.templatetags.lines import Repeated, content_of
from snapshots.templatetags.live import Live, live_in
from snapshots.templatetags.sizes import brief, gib
from snapshots.templatetags.states import snapshot_badge, snapshot_news
from snapshots.templatetags.table import (
    Column,
    LiveRows,
    Sorting,
    Table,
    context_of,
    sortable,
)
from snapshots.templatetags.times import moment

register = template.Library()

Cell = Callable[[Snapshot], str | None]


def _name(snapshot: Snapshot, *, says_status: bool) -> SafeString:
    """With the status of what the last reading did not show, where no column says it."""
    name = long_text(snapshot.name) if snapshot.name else _unnamed(snapshot)
    link = format_html('<a class="row__link" href="{}">{}</a>', _address(snapshot), name)
    if says_status or snapshot.is_confirmed:
        return link
    return format_html("{} {}", link, snapshot_badge(snapshot))


def _name_with_box(snapshot: Snapshot, *, says_status: bool) -> SafeString:
    """With the box that chooses the snapshot for the form `batch`, unless it is gone, or the backup
    service's: nothing can be done to such a snapshot.
    """
    name = _name(snapshot, says_status=says_status)
    if snapshot.gone_at is not None or snapshot.is_systems:
        return name
    box = format_html(
        '<input type="checkbox" name="snapshot" form="batch" value="{}/{}" aria-label="{}">',
        snapshot.cloud,
        snapshot.snapshot_id,
        _("Choose {name}").format(name=isolated(snapshot.label)),
    )
    return format_html('<span class="chosen">{}<span>{}</span></span>', box, name)


def _address(snapshot: Snapshot) -> str:
    return reverse("snapshots:snapshot", args=[snapshot.cloud, snapshot.snapshot_id])


def _unnamed(snapshot: Snapshot) -> SafeString:
    return format_html("{} <code>{}</code>", _("unnamed"), snapshot.snapshot_id[:8])


def _volume(snapshot: Snapshot) -> SafeString:
    return volume_link(snapshot.cloud, snapshot.volume_id, snapshot.volume_name)


@register.simple_tag
def volume_link(cloud: str, volume_id: str, name: str) -> SafeString:
    """A volume by name; a cloud may leave out of which volume a snapshot is."""
    if not volume_id:
        return quiet(_("not reported"))
    address = reverse("snapshots:volume", args=[cloud, volume_id])
    return format_html('<a href="{}">{}</a>', address, long_text(name or volume_id))


@register.simple_tag
def made_by(snapshot: Snapshot) -> SafeString:
    """For whom, or by whom, it was asked for here; else who made it, as far as the cloud tells."""
    if snapshot.maker == Maker.SYSTEM:
        return format_html('<span class="tag whole">{}</span>', _("backup service"))
    if snapshot.owner_name:
        return long_text(snapshot.owner_name)
    return quiet(_("elsewhere"))


def _ticket(snapshot: Snapshot) -> SafeString:
    return long_text(snapshot.ticket) if snapshot.ticket else SafeString()


def _created(snapshot: Snapshot) -> str:
    return moment(snapshot.created_at) if snapshot.created_at else quiet(_("not reported"))


def _id(snapshot: Snapshot) -> SafeString:
    return brief(snapshot.snapshot_id)


CHOICES: Mapping[str, Column[Snapshot]] = {
    "volume": Column(gettext_lazy("Volume"), _volume, css="cards__volume", sort="volume"),
    "made_by": Column(gettext_lazy("Made by"), made_by, css="cards__zone"),
    "ticket": Column(gettext_lazy("Ticket"), _ticket),
    "size": Column(gettext_lazy("Size"), lambda row: gib(row.size_gb), css="number"),
    "created": Column(gettext_lazy("Created"), _created, sort="-created"),
    "status": Column(gettext_lazy("Status"), snapshot_badge, sort="status"),
    "description": Column(gettext_lazy("Description"), lambda row: long_text(row.description)),
    "id": Column(gettext_lazy("Id"), _id, css="whole"),
    "cloud": Column(gettext_lazy("Cloud"), lambda row: format_html("{}", row.cloud)),
}
USUAL = ("volume", "made_by", "ticket", "size", "created", "status")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the list is to be shown: its columns and its order."""

    columns: Collection[str]
    sorting: Sorting
    with_boxes: bool


@register.inclusion_tag("_table.html", takes_context=True)
def snapshots_table(
    context: Context, snapshots: Sequence[Snapshot], shape: Shape
) -> dict[str, Table[Any]]:
    """What the clouds hold."""
    name = _name_with_box if shape.with_boxes else _name
    cell = partial(name, says_status="status" in shape.columns)
    columns = [
        Column(gettext_lazy("Snapshot"), cell, sort="name"),
        *(column for key, column in CHOICES.items() if key in shape.columns),
    ]
    return context_of(
        Table(
            gettext_lazy("Snapshots that the clouds hold"),
            sortable(columns, shape.sorting),
            snapshots,
            css="cards cards--dense",
            live_rows=_live_snapshots(live_in(context)),
            repeated=Repeated(("snapshots", tuple(shape.columns), shape.with_boxes), _content),
        )
    )


def _content(snapshot: Snapshot) -> Hashable | None:
    """Where the last reading is uncertain, the line says of what day it is."""
    return content_of(snapshot) if snapshot.is_confirmed else None


def _live_snapshots(live: Live | None) -> LiveRows[Snapshot] | None:
    if live is None:
        return None
    return LiveRows(
        live, "snapshot-rows", row_name=lambda row: f"snapshot-{row.pk}", row_news=snapshot_news
    )


@register.inclusion_tag("_table.html")
def unasked_table(snapshots: Sequence[Snapshot]) -> dict[str, Table[Any]]:
    """Those that a saved question finds."""
    named = Column(gettext_lazy("Snapshot"), partial(_name, says_status=True))
    columns = ("created", "volume", "size", "status", "id", "cloud")
    return context_of(
        Table(
            gettext_lazy("Snapshots that match, newest first"),
            [named, *(CHOICES[key] for key in columns)],
            snapshots,
        )
    )
