"""How the pages write times, states and sizes, and what stands around every page."""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.db.models import Choices, Model
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from snapshots.models import (
    Action,
    ActionCode,
    Anomaly,
    AnomalyKind,
    Exchange,
    Operation,
    OperationState,
    Purpose,
    Quota,
    may_administer,
    may_audit,
    may_request,
    roles_of,
    sees_every_operation,
    status_word,
)
from snapshots.selectors import portal as selectors

register = template.Library()
_PROJECT = Path(settings.BASE_DIR, "pyproject.toml")
VERSION: str = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]


# --- times -----------------------------------------------------------------------------------


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


# --- states ----------------------------------------------------------------------------------

_VOLUME_TONES = {"available": "good", "in-use": "working", "attaching": "warning"}


@register.simple_tag
def badge(state: OperationState) -> SafeString:
    """The state of an operation."""
    return _badge(str(state.label), state.tone)


@register.simple_tag
def volume_badge(status: str) -> SafeString:
    """The cloud's own word for a volume; a word never seen before is shown as it is."""
    word = status_word(status)
    tone = "bad" if word.startswith("error") else _VOLUME_TONES.get(word, "quiet")
    return _badge(status, tone)


@register.simple_tag
def answer_badge(exchange: Exchange) -> SafeString:
    """What came back: a status, or why nothing did."""
    answer = getattr(exchange, "answer", None)
    if answer is None:
        return _badge("No answer recorded", "warning")
    if answer.status is None:
        return _badge(answer.error or "No answer", "bad")
    tone = {2: "good", 3: "good", 4: "warning"}.get(answer.status // 100, "bad")
    return _badge(f"{answer.status} {_phrase(answer.status)}".strip(), tone)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _badge(word: str, tone: str) -> SafeString:
    return format_html('<span class="badge badge--{}">{}</span>', tone, word)


_WHAT = {**dict(Purpose.choices), **dict(ActionCode.choices), **dict(AnomalyKind.choices)}


@register.filter
def table(record: Model) -> str:
    """Where the record stands: exchange, action or anomaly."""
    return str(record._meta.model_name)  # noqa: SLF001 - Django's public name for it


@register.filter
def what(record: Exchange | Action | Anomaly) -> str:
    """What a record is about, in words. A list of them has no time for Django's own way."""
    if isinstance(record, Exchange):
        return _WHAT.get(record.purpose, record.purpose)
    told = record.code if isinstance(record, Action) else record.kind
    return _WHAT.get(told, told)


@register.filter
def label(choice: Choices | str) -> str:
    """The words of a choice; text as it is."""
    return str(getattr(choice, "label", choice))


# --- around every page -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation."""

    words: str
    address: str
    here: bool


@register.simple_tag
def is_sandbox() -> bool:
    """Whether nothing here is real."""
    return bool(settings.EVSPORTAL_MODE == "sandbox")


@register.simple_tag
def portal_state() -> selectors.PortalState:
    """What the banners tell."""
    return selectors.portal_state()


@register.simple_tag(takes_context=True)
def places(context: Context) -> list[Place]:
    """Where this person may go."""
    request = context["request"]
    user = request.user
    known = []
    if roles_of(user):
        mine = "All snapshots" if sees_every_operation(user) else "My snapshots"
        known += [(mine, "snapshots:home"), ("Volumes", "snapshots:volumes")]
    if may_audit(user):
        known.append(("Audit", "snapshots:audit"))
    if may_administer(user):
        known.append(("Administration", "admin:index"))
    path = request.path
    return [Place(words, reverse(name), here=path == reverse(name)) for words, name in known]


@register.filter
def may_ask(user: object) -> bool:
    """Whether this person may ask for snapshots."""
    return may_request(user)  # type: ignore[arg-type]


@register.filter
def has_a_role(user: object) -> bool:
    return bool(roles_of(user))  # type: ignore[arg-type]


@register.simple_tag
def version() -> str:
    """Of this portal, for support."""
    return VERSION


# --- words -----------------------------------------------------------------------------------

_STATE_WORDS = {
    OperationState.QUEUED: "Recorded and waiting for its turn. Nothing was sent yet.",
    OperationState.SENDING: "The request is on its way to the cloud.",
    OperationState.ACCEPTED: "The cloud accepted it and is making the snapshot.",
    OperationState.UNKNOWN: (
        "The cloud gave no clear answer, so a snapshot may exist. The portal looks for it, usually "
        "for two to three minutes. Please do not ask again until this page says what it found."
    ),
    OperationState.SUCCEEDED: "The snapshot is there and can be used.",
    OperationState.FAILED: "The cloud began the snapshot, and it ended badly.",
    OperationState.REFUSED: "The cloud refused. No snapshot was made.",
    OperationState.NOT_CREATED: "We looked for it in the cloud: no snapshot was made.",
    OperationState.CANCELLED: "Cancelled before it was sent. No snapshot was made.",
}
# Their outcome says the same with more.
_TOLD_BY_OUTCOME = frozenset(
    {
        OperationState.UNKNOWN,
        OperationState.SUCCEEDED,
        OperationState.FAILED,
        OperationState.NOT_CREATED,
        OperationState.CANCELLED,
    }
)


@register.filter
def state_words(operation: Operation) -> list[str]:
    """What the state means for the person, and what is known of this one."""
    words = _STATE_WORDS[operation.status]
    if operation.status is OperationState.SUCCEEDED:
        return _words_for_success(operation)
    if operation.outcome and operation.status in _TOLD_BY_OUTCOME:
        return [operation.outcome]
    return [words, operation.outcome] if operation.outcome else [words]


def _words_for_success(operation: Operation) -> list[str]:
    snapshot = getattr(operation, "snapshot", None)
    kept = snapshot.metadata.items() if snapshot is not None else ()
    words = operation.outcome or _STATE_WORDS[OperationState.SUCCEEDED]
    if snapshot is not None and not operation.metadata.items() <= kept:
        words = "The snapshot is ready to use, but the cloud did not keep its metadata."
    if operation.looks:
        return [words, "The cloud's answer was lost on the way; the portal found the snapshot."]
    return [words]


@register.filter
def against_usual(operation: Operation, usual_seconds: float | None) -> str:
    """How long such a thing usually takes; said otherwise when it takes much longer."""
    if not usual_seconds:
        return ""
    passed = operation.elapsed.total_seconds()
    if passed > 30 and passed > 3 * usual_seconds:
        return f"longer than usual (about {lasted(usual_seconds)})"
    return f"usually about {lasted(usual_seconds)}"


@register.filter
def quota_words(quota: Quota) -> str:
    """The name of a quota as people say it."""
    return {"snapshots": "Snapshots", "gigabytes": "Gigabytes"}.get(quota.resource, quota.resource)


@register.filter
def short(identifier: object) -> str:
    """The first part of an id, enough to tell a few apart."""
    return str(identifier)[:8]


@register.simple_tag
def told(text: str | None) -> SafeString:
    """What one side says of a field: nothing at all and a blank are two things."""
    if not text:
        return format_html('<span class="quiet">{}</span>', "blank" if text == "" else "—")
    return format_html("<bdi>{}</bdi>", text)


_PROJECT_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


@register.filter
def url_path(url: str) -> str:
    """The address without scheme and host, which are the same for most, and with short ids."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path or url
    return _PROJECT_ID.sub(r"\1…", path)


@register.filter
def gib(size: int | None) -> str:
    """A size in GiB; a cloud that does not tell it has not said 0."""
    return "not told" if size is None else f"{size} GiB"


@register.simple_tag
def quota_bar(quota: Quota) -> SafeString:
    """A bar; its length by attribute, its colour by class, since styles in the page are blocked."""
    share = min(100, round(100 * (quota.used or 0) / quota.limit)) if quota.limit else 100
    tone = "bad" if share >= 95 else "warning" if share >= 80 else "good"
    return format_html(
        '<svg class="bar bar--{}" role="img" aria-label="{} per cent in use" '
        'viewBox="0 0 100 6" preserveAspectRatio="none"><rect class="bar__all" width="100" '
        'height="6"/><rect class="bar__used" width="{}" height="6"/></svg>',
        tone,
        share,
        share,
    )
