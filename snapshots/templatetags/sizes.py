"""How the pages write sizes, quotas and ids."""

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from snapshots import clouds
from snapshots.localized import between_names, figure
from snapshots.models import Quota, Volume
from snapshots.models.directions import isolated

register = template.Library()
register.simple_tag(clouds.manual_limit)


@register.filter
def quota_name(quota: Quota) -> str:
    """The name of a quota as people say it."""
    return {"snapshots": _("Snapshots"), "gigabytes": _("Gigabytes")}.get(
        quota.resource, quota.resource
    )


@register.filter
def short(identifier: object) -> str:
    """The first part of an id, enough to tell a few apart."""
    return str(identifier)[:8]


_BRIEF = re.compile(r"(?:req-)?.{8}")


@register.simple_tag
def brief(identifier: object, element: str = "") -> SafeString:
    """An id of which eight characters are shown where scripts run, and all are selected, copied
    and printed. `element` is the id of its element, for a button that copies it.
    """
    whole = str(identifier)
    start = _BRIEF.match(whole)
    length = start.end() if start and len(whole) > start.end() + 4 else len(whole)  # or no gain
    return format_html(
        '<code class="id"{} title="{}">{}{}</code>',
        format_html(' id="{}"', element) if element else "",
        whole,
        whole[:length],
        format_html('<span class="id__rest">{}</span>', whole[length:]) if whole[length:] else "",
    )


_MOST_SERVERS = 2  # in a cell; its tooltip has them all
_LONGEST_NAME = 40  # there; the tooltip has it whole


@register.filter
def servers(volume: Volume) -> SafeString:
    """What a volume is attached to: the servers' names and short ids with their devices, the first
    two and how many more. Its tooltip has all of them, with their whole ids.
    """
    names = volume.servers
    parts = [part.partition(" ") for part in volume.attached_to.split(", ")]
    pieces = [
        (server_name(names.get(server, ""), server), f" {device}" if device else "")
        for server, _space, device in parts[:_MOST_SERVERS]
    ]
    more = len(parts) - _MOST_SERVERS
    rest = ngettext("and {count} more", "and {count} more", more).format(count=more)
    whole = (f"{isolated(name)} " if (name := names.get(part[0])) else "" for part in parts)
    return format_html(
        '<bdi class="servers" title="{}">{}{}</bdi>',
        ", ".join(f"{name}{''.join(part)}" for name, part in zip(whole, parts, strict=True)),
        format_html_join(between_names(), "{}{}", pieces),
        f" {rest}" if more > 0 else "",
    )


def server_name(name: str, server_id: str) -> SafeString:
    """A server by its name, which is not unique, and the beginning of its id."""
    if not name:
        return brief(server_id)
    short_name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return format_html("<bdi>{}</bdi> {}", short_name, brief(server_id))


@register.filter
def gib(size: int | None) -> str:
    """A size in GiB; a cloud that does not tell it has not said 0."""
    return _("not reported") if size is None else _("{size} GiB").format(size=figure(size))


@register.filter
def thousands(number: int) -> str:
    """`1,204`."""
    return figure(number)


@register.simple_tag
def quota_bar(quota: Quota) -> SafeString:
    """A bar; its length by attribute, its colour by class, since styles in the page are blocked."""
    share = min(100, round(100 * (quota.used or 0) / quota.limit)) if quota.limit else 100
    tone = "bad" if share >= 95 else "warning" if share >= 80 else "good"
    return format_html(
        '<svg class="bar bar--{}" role="img" aria-label="{}" '
        'viewBox="0 0 100 6" preserveAspectRatio="none"><rect class="bar__all" width="100" '
        'height="6"/><rect class="bar__used" width="{}" height="6"/></svg>',
        tone,
        _("{share} per cent in use").format(share=share),
        share,
    )
