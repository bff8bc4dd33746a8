"""How the pages write times and lengths of time."""

from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()


@register.simple_tag
def moment(value: datetime | None) -> str | SafeString:
    """How long ago, with the exact time beside it for machines, hands and scripts."""
    if value is None:
        return _("never")
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


@register.simple_tag
def hour(value: datetime | None) -> str | SafeString:
    """The time of a reading: hour and minute, with the day unless it is today."""
    if value is None:
        return _("never")
    value = value.astimezone(UTC)
    is_today = value.date() == timezone.now().astimezone(UTC).date()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(timespec="seconds"),
        exact(value),
        f"{value:%H:%M}" if is_today else f"{value:%d %b %Y, %H:%M}",
    )


def exact(value: datetime) -> str:
    return f"{value.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


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
