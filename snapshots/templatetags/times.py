"""How the pages write times and lengths of time: in the zone of who looks, UTC in the tooltip;
for auditors the other way round.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from snapshots.selectors.preferences import viewer

register = template.Library()


@register.simple_tag
def moment(value: datetime | None) -> str | SafeString:
    """How long ago, with the exact time beside it for machines, hands and scripts."""
    if value is None:
        return _("never")
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.astimezone(UTC).isoformat(timespec="seconds"),
        _both(value),
        ago(timezone.now() - value),
    )


@register.simple_tag
def clock(value: datetime | None) -> str | SafeString:
    """The exact time."""
    if value is None:
        return ""
    first, second = exact(value), _other(value)
    return format_html(
        '<time datetime="{}"{}>{}</time>',
        value.astimezone(UTC).isoformat(timespec="milliseconds"),
        format_html(' title="{}"', second) if second != first else "",
        first,
    )


@register.simple_tag
def clock_now() -> str | SafeString:
    """The exact time now, as this person reads it."""
    return clock(timezone.now())


@register.simple_tag
def zone_in_words() -> str:
    """`UTC`, or `Europe/Istanbul (UTC+03)`: the zone that the page's times are in."""
    who = viewer()
    if who.utc_first or who.zone_name == "UTC":
        return "UTC"
    return f"{who.zone_name} ({_offset(timezone.now().astimezone(who.zone))})"


@register.simple_tag
def hour(value: datetime | None) -> str | SafeString:
    """The time of a reading: hour and minute, with the day unless it is today."""
    if value is None:
        return _("never")
    zone = _first_zone()
    is_today = value.astimezone(zone).date() == timezone.now().astimezone(zone).date()
    both, stamp = _both(value), value.astimezone(UTC).isoformat(timespec="seconds")
    value = value.astimezone(zone)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        stamp,
        both,
        f"{value:%H:%M}" if is_today else f"{value:%d %b %Y, %H:%M}",
    )


@register.simple_tag
def time_of_day(value: datetime) -> SafeString:
    """Hour, minute and second, under a heading that says the day."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.astimezone(UTC).isoformat(timespec="milliseconds"),
        exact(value),
        f"{value.astimezone(_first_zone()):%H:%M:%S}",
    )


@register.simple_tag
def time_in_zone(value: datetime) -> str:
    """`22:36:14 UTC+03`; `zonedTime` in times.js goes on from there."""
    value = local(value)
    return f"{value:%H:%M:%S} {_offset(value)}"


@register.simple_tag
def zone_attributes() -> SafeString:
    """Of the page, for scripts: how many minutes its times are ahead of UTC, and in words."""
    now = local(timezone.now())
    minutes = (now.utcoffset() or timedelta()) // timedelta(minutes=1)
    return format_html('data-offset="{}" data-zone="{}"', minutes, _offset(now))


def day(value: datetime) -> str:
    """`Sunday, 29 Nov 2026 UTC`, in the zone that this person reads first."""
    value = local(value)
    return f"{value:%A, %d %b %Y} {_offset(value)}"


def local(value: datetime) -> datetime:
    """By the clock that this person reads first."""
    return value.astimezone(_first_zone())


def exact(value: datetime) -> str:
    """With day, seconds and zone, as this person reads it first."""
    return _written(value, _first_zone())


def _other(value: datetime) -> str:
    """The same moment in the zone that comes second."""
    who = viewer()
    return _written(value, who.zone if who.utc_first else UTC)


def _both(value: datetime) -> str:
    first, second = exact(value), _other(value)
    return first if first == second else f"{first} · {second}"


def _first_zone() -> tzinfo:
    who = viewer()
    return UTC if who.utc_first else who.zone


def _written(value: datetime, zone: tzinfo) -> str:
    value = value.astimezone(zone)
    return f"{value:%d %b %Y, %H:%M:%S} {_offset(value)}"


def _offset(value: datetime) -> str:
    """`UTC`, `UTC+03`, `UTC-03:30`. Not a zone's short name: “CST” is five of them."""
    minutes = round((value.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" if not minutes else f"UTC{sign}{hours:02}" + (f":{rest:02}" if rest else "")


def ago(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    if seconds < 10:
        return _("just now")
    if seconds >= 86400:
        count = seconds // 86400
        text = ngettext("{count} day ago", "{count} days ago", count)
    elif seconds >= 3600:
        count = seconds // 3600
        text = ngettext("{count} hour ago", "{count} hours ago", count)
    elif seconds >= 60:
        count = seconds // 60
        text = ngettext("{count} minute ago", "{count} minutes ago", count)
    else:
        count = seconds
        text = ngettext("{count} second ago", "{count} seconds ago", count)
    return text.format(count=count)


@register.simple_tag
def so_far_since(value: datetime) -> SafeString:
    """How long something takes already; a script lets it grow."""
    time = format_html(
        '<time datetime="{}" data-lasting>{}</time>',
        value.astimezone(UTC).isoformat(timespec="milliseconds"),
        lasted(timezone.now() - value),
    )
    return format_html(_("{time} so far"), time=time)


@register.filter
def answered_in(milliseconds: int) -> str:
    """`87 ms`, and from a second on as other lengths of time."""
    return f"{milliseconds} ms" if milliseconds < 1000 else lasted(milliseconds / 1000)


@register.filter
def step_lasted(value: timedelta) -> str:
    """A step of a timeline: `40 ms`, `12 s`."""
    return answered_in(max(round(value.total_seconds() * 1000), 0))


@register.filter
def lasted(value: timedelta | float | None) -> str:
    """A length of time as people say it: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
