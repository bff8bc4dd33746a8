"""The list of volumes."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import Volume
from snapshots.models.directions import isolated
from snapshots.templatetags.cells import quiet
from snapshots.templatetags.lines import Repeated, content_of
from snapshots.templatetags.sizes import brief, gib, servers
from snapshots.templatetags.states import volume_badge
from snapshots.templatetags.table import Column, Sorting, Table, context_of, sortable
from snapshots.templatetags.times import moment

register = template.Library()


@dataclass(frozen=True, slots=True)
class _Line:
    """A volume, and what the list says of it to this person."""

    volume: Volume
    may_be_taken: bool  # a snapshot of it, by this person
    names_cloud: bool


def _name(line: _Line) -> SafeString:
    return format_html(
        '<span class="beside"><a class="strong long" href="{}"><bdi>{}</bdi></a> {}</span>',
        reverse("snapshots:volume", args=[line.volume.cloud, line.volume.volume_id]),
        line.volume.name or _("unnamed"),
        brief(line.volume.volume_id),
    )


def _zone(line: _Line) -> SafeString:
    cloud = quiet(line.volume.cloud) if line.names_cloud else ""
    zone = format_html('<bdi class="whole">{}</bdi>', line.volume.availability_zone)
    return format_html("{} {}", zone, cloud) if cloud else zone


def _attached_to(line: _Line) -> SafeString | str:
    if not line.volume.attached_to:
        return quiet(_("nothing"))
    return servers(line.volume)


def _button(line: _Line, *, form: str, label: str, unseen: str) -> SafeString:
    if not line.may_be_taken:
        return SafeString()
    return format_html(
        '<a class="button button--small" href="{}?volume={}">{}<span class="unseen"> {}</span></a>',
        form,
        quote(line.volume.volume_id),
        label,
        unseen.format(volume=isolated(line.volume.label)),
    )


def _read_at(line: _Line) -> str:
    at = line.volume.read_at
    return quiet(_("not known")) if at is None else moment(at)


def _action() -> Column[_Line]:
    """Its address and texts are looked up once, not in each row."""
    cell = partial(
        _button, form=reverse("snapshots:new"), label=_("Snapshot"), unseen=_("of {volume}")
    )
    return Column(gettext_lazy("Action"), cell, css="cards__action", is_action=True)


_COLUMNS: tuple[Column[_Line], ...] = (
    Column(gettext_lazy("Volume"), _name, sort="name"),
    Column(gettext_lazy("Status"), lambda line: volume_badge(line.volume.status), sort="status"),
    Column(gettext_lazy("Size"), lambda line: gib(line.volume.size_gb), css="number", sort="-size"),
    Column(
        gettext_lazy("Type"),
        lambda line: format_html("<bdi>{}</bdi>", line.volume.volume_type),
        sort="type",
    ),
    Column(gettext_lazy("Zone"), _zone, css="cards__zone", sort="zone"),
    Column(gettext_lazy("Attached to"), _attached_to),
    Column(gettext_lazy("Last seen"), _read_at),
)


@register.inclusion_tag("_table.html")
def volumes_table(
    volumes: Sequence[Volume],
    usable: Collection[int],
    several_clouds: bool,  # noqa: FBT001 - tags take arguments in order
    sorting: Sorting | None = None,
) -> dict[str, Table[Any]]:
    """The volumes; `usable` are those that the person may ask a snapshot of. Without `sorting` they
    go by name.
    """
    lines = [
        _Line(volume, volume.takes_snapshot and volume.pk in usable, several_clouds)
        for volume in volumes
    ]
    columns = (*_COLUMNS, _action())
    return context_of(
        Table(
            gettext_lazy("Volumes") if sorting else gettext_lazy("Volumes by name"),
            sortable(columns, sorting) if sorting else columns,
            lines,
            repeated=Repeated("volumes", _content),
        )
    )


def _content(line: _Line) -> Hashable:
    """`read_at` goes by the clock where a time is not plausible."""
    volume = line.volume
    return (content_of(volume), volume.read_at, line.may_be_taken, line.names_cloud)
