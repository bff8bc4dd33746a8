"""The list of clouds on the board and the status page, and what stands beside it."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.localized import figure
from snapshots.models import Duty
from snapshots.selectors.board import CloudFacts
from snapshots.templatetags.cells import quiet
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import clock, moment

register = template.Library()


@register.simple_tag
def cloud_badge(facts: CloudFacts) -> SafeString:
    """Whether the cloud answers, in a word."""
    if facts.silent_since is not None:
        return _badge(_("Hangs"), "bad")
    if facts.failing_since is not None:
        return _badge(_("Trouble"), "bad")
    if facts.health is None or facts.health.answered_at is None:
        return _badge(_("Not called yet"), "quiet")
    return _badge(_("Answers"), "good")


@register.simple_tag
def cloud_since(facts: CloudFacts) -> str:
    """Since when it is as it is, and why."""
    if facts.silent_since is not None:
        text = _("no answer since {since}")
        return format_html(text, since=clock(facts.silent_since))
    if facts.failing_since is not None:
        text = _("since {since}: {trouble}")
        return format_html(text, since=clock(facts.failing_since), trouble=facts.trouble.label)
    if facts.health is None or facts.health.answered_at is None:
        return ""
    if facts.health.recovered_at is not None:
        return format_html(_("since {since}"), since=clock(facts.health.recovered_at))
    return format_html(_("last noted {at}"), at=moment(facts.health.answered_at))


def _badge(text: str, tone: str) -> SafeString:
    return format_html('<span class="badge badge--{}">{}</span>', tone, text)


def _state(facts: CloudFacts) -> SafeString:
    return format_html("{} {}", cloud_badge(facts), quiet(cloud_since(facts)))


def latency_text(milliseconds: float | None) -> str:
    """Milliseconds only below a second."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return _("{count} ms").format(count=round(milliseconds))
    return _("{seconds} s").format(seconds=figure(milliseconds / 1000, 1))


def _latency(facts: CloudFacts) -> str:
    return latency_text(facts.latency_ms) or quiet(_("not known"))


def _waiting(facts: CloudFacts) -> SafeString | str:
    if facts.oldest_at is None:
        return figure(facts.waiting)
    oldest = format_html(_("oldest {ago}"), ago=moment(facts.oldest_at))
    return format_html("{} {}", figure(facts.waiting), quiet(oldest))


_COLUMNS: tuple[Column[CloudFacts], ...] = (
    Column(
        gettext_lazy("Cloud"),
        lambda facts: format_html('<bdi class="strong">{}</bdi>', facts.cloud),
        css="cloud",
        is_row_head=True,
    ),
    Column(gettext_lazy("State"), _state),
    Column(gettext_lazy("Answers within"), _latency, css="number"),
    Column(gettext_lazy("Waiting"), _waiting, css="number"),
    Column(gettext_lazy("At work"), lambda facts: figure(facts.working), css="number"),
    Column(gettext_lazy("Ended in the last hour"), lambda facts: figure(facts.ended), css="number"),
    Column(
        gettext_lazy("Volumes read"),
        lambda facts: moment(facts.health.inventory_read_at if facts.health else None),
    ),
    Column(
        gettext_lazy("Snapshots read"),
        lambda facts: moment(facts.health.snapshots_read_at if facts.health else None),
    ),
)


@register.inclusion_tag("_table.html")
def clouds_table(clouds: Sequence[CloudFacts]) -> dict[str, Table[Any]]:
    """Each cloud with its health, its queue and its pace."""
    return context_of(Table(gettext_lazy("The clouds by name"), _COLUMNS, clouds))


@register.filter
def duty_name(duty: Duty) -> str:
    """What the worker does again and again, in words."""
    return str(_DUTIES.get(duty.kind, duty.kind))


@register.filter
def duty_trouble(duty: Duty) -> str:
    """What went wrong: in words, or as the log names it."""
    return str(_TROUBLES.get(duty.trouble_code, duty.trouble_code))


_TROUBLES = {
    "held_back": gettext_lazy("the list lacks much that was in it before"),
    "unreadable_rows": gettext_lazy("rows that cannot be read"),
}
_DUTIES = {
    "watch": gettext_lazy("Watching what the cloud works on"),
    "inventory": gettext_lazy("Reading the volumes"),
    "snapshots": gettext_lazy("Reading the snapshots"),
    "servers": gettext_lazy("Reading the servers"),
    "look": gettext_lazy("Reading a volume whose page is open"),
    "probe": gettext_lazy("Trying whether the cloud answers again"),
    "seal": gettext_lazy("Sealing the audit trail"),
    "push": gettext_lazy("Pushing the audit trail outside"),
    "tidy": gettext_lazy("Tidying up"),
    "broker": gettext_lazy("Messages by the broker"),
}
