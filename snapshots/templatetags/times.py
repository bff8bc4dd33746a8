"""How the pages write times and lengths of time."""

from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def moment(value: datetime | None) -> str | SafeString:
    """How long ago, with the exact time beside it for machines, hands and scripts."""
    if value is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.astimezone(UTC).isoformat(timespec="seconds"),
        exact(value),
        ago(timezone.now() - value),
    )


@register.simple_tag
def clock(value: datetime | None) -> str | SafeString:
    """The exact time."""
    if value is None:
        return ""
    return format_html(
        '<time datetime="{}">{}</time>',
        value.astimezone(UTC).isoformat(timespec="milliseconds"),
        exact(value),
    )


def exact(value: datetime) -> str:
    return f"{value.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def ago(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    if seconds < 10:
        return "just now"
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"


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
