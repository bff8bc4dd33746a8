"""The lists of grants, of people and of groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.localized import between_names, listed
from snapshots.models import GrantScope, Role, Volume, VolumeGrant, right_label
from snapshots.models.directions import isolated
from snapshots.selectors.grants import Names
from snapshots.templatetags.cells import long_text, quiet, tag
from snapshots.templatetags.sizes import brief, gib, servers
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import clock, moment

register = template.Library()

_CONDITIONS = {
    "name_pattern": gettext_lazy("name"),
    "server_id": gettext_lazy("attached to"),
    "metadata_key": gettext_lazy("metadata"),
    "volume_type": gettext_lazy("type"),
    "availability_zone": gettext_lazy("zone"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    grant: VolumeGrant
    names: Names


def _holder(line: _Line) -> SafeString:
    grant = line.grant
    if grant.user is not None:
        address = reverse("snapshots:person", args=[grant.user.pk])
        return format_html('<a class="long" href="{}"><bdi>{}</bdi></a>', address, grant.user)
    address = reverse("snapshots:people")
    return format_html(
        '{} <a class="long" href="{}?group={}"><bdi>{}</bdi></a>',
        _("Group"),
        address,
        grant.group,
        grant.group,
    )


@register.simple_tag
def covered(grant: VolumeGrant, names: Names) -> SafeString:
    """What a grant covers."""
    if grant.scope == GrantScope.CLOUD:
        return format_html("<strong>{}</strong>", _("Every volume of the cloud"))
    if grant.scope == GrantScope.RULE:
        return _conditions(grant, names)
    volume_id = grant.volume_id or ""
    name = names.volumes.get((grant.cloud, volume_id))
    if name is None:
        return format_html("<code>{}</code> {}", volume_id, quiet(_("not in the list of volumes")))
    return format_html(
        '<span class="beside"><a class="long" href="{}"><bdi>{}</bdi></a> {}</span>',
        reverse("snapshots:volume", args=[grant.cloud, volume_id]),
        name or _("unnamed"),
        brief(volume_id),
    )


def _conditions(grant: VolumeGrant, names: Names) -> SafeString:
    texts = dict(grant.conditions)
    if "metadata_key" in texts:
        texts["metadata_key"] = f"{texts['metadata_key']} = {texts.pop('metadata_value', '')}"
    server = names.servers.get((grant.cloud, grant.server_id), "")
    named = {"server_id": format_html("<bdi>{}</bdi> ", server)} if server else {}
    parts = ((_CONDITIONS[name], named.get(name, ""), text) for name, text in texts.items())
    all_of_them = format_html_join(between_names(), "{} {}<bdi><code>{}</code></bdi>", parts)
    # In one piece: on phones each part of a cell has a place of its own.
    text = format_html(_("Volumes with {conditions}"), conditions=all_of_them)
    return format_html('<span class="long">{}</span>', text)


def _covered(line: _Line) -> SafeString:
    return covered(line.grant, line.names)


def _until(line: _Line) -> SafeString | str:
    return clock(line.grant.until) if line.grant.until else quiet(_("no end"))


def _end(line: _Line) -> SafeString:
    if line.grant.has_ended():
        return SafeString()
    holder = isolated(str(line.grant.user or line.grant.group))
    return format_html(
        '<a class="button button--small" href="{}">{}<span class="unseen"> {}</span></a>',
        reverse("snapshots:grant_end", args=[line.grant.pk]),
        _("End now …"),
        _("the grant of {holder}").format(holder=holder),
    )


def _why(line: _Line) -> SafeString | str:
    """Why a person has it: alone, or as one of a group."""
    if line.grant.group is None:
        return _("directly")
    name = format_html("<bdi>{}</bdi>", line.grant.group)
    sentence = format_html(_("by the group {name}"), name=name)
    return format_html('<span class="long">{}</span>', sentence)


_COVERED: Column[_Line] = Column(gettext_lazy("May use"), _covered)
_CLOUD: Column[_Line] = Column(gettext_lazy("Cloud"), lambda line: line.grant.cloud)
_UNTIL: Column[_Line] = Column(gettext_lazy("Until"), _until)
_GIVEN: Column[_Line] = Column(gettext_lazy("Given"), lambda line: moment(line.grant.given_at))
_HOLDER: Column[_Line] = Column(gettext_lazy("Person or group"), _holder)
_END: Column[_Line] = Column(gettext_lazy("Action"), _end, css="cards__action", is_action=True)


@register.inclusion_tag("_table.html")
def grants_table(grants: Sequence[VolumeGrant], names: Names) -> dict[str, Table[Any]]:
    lines = [_Line(grant, names) for grant in grants]
    columns = (_HOLDER, _COVERED, _CLOUD, _UNTIL, _GIVEN, _END)
    return context_of(Table(gettext_lazy("Grants, newest first"), columns, lines))


@register.inclusion_tag("_table.html")
def grants_of_person_table(grants: Sequence[VolumeGrant], names: Names) -> dict[str, Table[Any]]:
    lines = [_Line(grant, names) for grant in grants]
    columns = (_COVERED, _CLOUD, Column(gettext_lazy("Why"), _why), _UNTIL, _END)
    return context_of(Table(gettext_lazy("What this person may use"), columns, lines))


@register.inclusion_tag("_table.html")
def grants_of_volume_table(grants: Sequence[VolumeGrant], names: Names) -> dict[str, Table[Any]]:
    lines = [_Line(grant, names) for grant in grants]
    columns = (_HOLDER, Column(gettext_lazy("Why"), _covered), _UNTIL, _END)
    return context_of(Table(gettext_lazy("Who may use this volume"), columns, lines))


@register.inclusion_tag("_table.html")
def covered_volumes_table(volumes: Sequence[Volume]) -> dict[str, Table[Any]]:
    columns: tuple[Column[Volume], ...] = (
        Column(gettext_lazy("Volume"), _volume),
        Column(gettext_lazy("Size"), lambda row: gib(row.size_gb), css="number"),
        Column(gettext_lazy("Type"), lambda row: format_html("<bdi>{}</bdi>", row.volume_type)),
        Column(
            gettext_lazy("Zone"), lambda row: format_html("<bdi>{}</bdi>", row.availability_zone)
        ),
        Column(
            gettext_lazy("Attached to"),
            lambda row: servers(row) if row.attached_to else quiet(_("nothing")),
        ),
    )
    return context_of(Table(gettext_lazy("Volumes that match"), columns, volumes))


def _volume(row: Volume) -> SafeString:
    name = long_text(row.name) if row.name else _("unnamed")
    return format_html('<span class="beside">{} {}</span>', name, brief(row.volume_id))


# --- people ----------------------------------------------------------------------------------


def _person(person: User) -> SafeString:
    return format_html(
        '<a class="strong long" href="{}"><bdi>{}</bdi></a><br><bdi class="quiet">{}</bdi>',
        reverse("snapshots:person", args=[person.pk]),
        person.get_username(),
        person.get_full_name(),
    )


def _roles(person: User) -> SafeString | str:
    labels = dict(Role.choices)
    names = sorted(group.name for group in person.groups.all())
    tags = format_html_join(" ", "{}", ((tag(str(labels.get(name, name))),) for name in names))
    return tags or quiet(_("none"))


def _state(person: User) -> SafeString | str:
    if person.is_active:
        return _("Active")
    return format_html('<span class="badge badge--bad">{}</span>', _("Shut out"))


_PEOPLE: tuple[Column[User], ...] = (
    Column(gettext_lazy("Person"), _person),
    Column(gettext_lazy("Roles and groups"), _roles),
    Column(gettext_lazy("Account"), _state),
    Column(
        gettext_lazy("Last sign-in"),
        lambda person: moment(person.last_login) if person.last_login else quiet(_("never")),
    ),
)


@register.inclusion_tag("_table.html")
def people_table(people: Sequence[User]) -> dict[str, Table[Any]]:
    return context_of(Table(gettext_lazy("People by name"), _PEOPLE, people))


# --- groups ----------------------------------------------------------------------------------


def _group(group: Group) -> SafeString:
    if group.name in Role.values:
        return format_html("<strong>{}</strong> {}", Role(group.name).label, tag(_("role")))
    return format_html(
        '<a class="strong long" href="{}"><bdi>{}</bdi></a>',
        reverse("snapshots:group", args=[group.pk]),
        group.name,
    )


def _members(group: Any) -> SafeString:
    address = reverse("snapshots:people", query={"group": group.name})
    return format_html('<a href="{}">{}</a>', address, group.members)


def _permissions(group: Group) -> SafeString | str:
    names = sorted(map(right_label, group.permissions.all()))
    return listed(names) or quiet(_("none"))


_GROUPS: tuple[Column[Group], ...] = (
    Column(gettext_lazy("Group"), _group),
    Column(gettext_lazy("People"), _members, css="number"),
    Column(gettext_lazy("Further rights"), _permissions),
)


@register.inclusion_tag("_table.html")
def groups_table(groups: Sequence[Group]) -> dict[str, Table[Any]]:
    return context_of(Table(gettext_lazy("Groups by name"), _GROUPS, groups))
