"""How the pages write states: a badge with a word, and sentences for an operation's state."""

from functools import lru_cache
from http import HTTPStatus

from django import template
from django.db.models import Choices
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from snapshots.models import Exchange, Operation, OperationState, Snapshot, status_word
from snapshots.operations.kinds import kind_of
from snapshots.operations.messages import label_of, sentences_of
from snapshots.templatetags.times import hour, lasted

register = template.Library()


_VOLUME_TONES = {"available": "good", "in-use": "working", "attaching": "warning"}
_SNAPSHOT_TONES = {
    "available": "good",
    "creating": "working",
    "deleting": "working",
    "rollbacking": "working",
    "restoring": "working",
    "backing-up": "working",
    "in-use": "working",
}


@register.simple_tag
def badge(operation: Operation) -> SafeString:
    """The operation's state, or the present status of the snapshot that it made."""
    made: Snapshot | None = getattr(operation, "snapshot", None)
    is_as_made = made is None or (made.is_listed and status_word(made.status) == "available")
    if made is None or is_as_made or operation.status is not OperationState.SUCCEEDED:
        return _badge(label_of(operation), operation.status.tone)
    return snapshot_badge(made)


@register.simple_tag
def snapshot_badge(snapshot: Snapshot) -> SafeString:
    """The cloud's own word for a snapshot, unless the snapshot is no longer where it was read."""
    if snapshot.gone_at is not None:
        text = format_html(_("Deleted in the cloud after {time}"), time=hour(snapshot.read_at()))
        return _badge(_in_one_piece(text), "quiet")
    if snapshot.missing_since is not None:
        text = format_html(_("Not in the list since {time}"), time=hour(snapshot.missing_since))
        return _badge(_in_one_piece(text), "warning")
    if snapshot.unread_since is not None:
        text = format_html(
            _("{status}, as read at {time}"), status=snapshot.status, time=hour(snapshot.read_at())
        )
        return _badge(_in_one_piece(text), snapshot_tone(snapshot))
    return _badge(snapshot.status, snapshot_tone(snapshot))


def _in_one_piece(text: SafeString) -> SafeString:
    """A badge sets its parts apart, and a time within its text is none."""
    return format_html("<span>{}</span>", text)


@register.filter
def snapshot_tone(snapshot: Snapshot) -> str:
    """The colour family of a snapshot's badge."""
    word = status_word(snapshot.status)
    if not snapshot.is_confirmed:
        return "warning"
    return "bad" if word.startswith("error") else _SNAPSHOT_TONES.get(word, "quiet")


@register.simple_tag
def snapshot_sentence(snapshot: Snapshot) -> SafeString | str:
    """Why the last reading says nothing of a snapshot; empty where it does."""
    if snapshot.gone_at is not None:
        return format_html(
            _("The snapshot was deleted in the cloud after {time}."), time=hour(snapshot.read_at())
        )
    if snapshot.missing_since is not None:
        return format_html(
            _(
                "The cloud's list has not had the snapshot since {time}. It was last read at "
                "{seen}. The portal asks the cloud for it."
            ),
            time=hour(snapshot.missing_since),
            seen=hour(snapshot.read_at()),
        )
    if snapshot.unread_since is not None:
        return format_html(
            _(
                "Since {time} the portal cannot read what the cloud's list says of the snapshot. "
                "It was last read at {seen}."
            ),
            time=hour(snapshot.unread_since),
            seen=hour(snapshot.read_at()),
        )
    return ""


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
        return _badge(_("No answer recorded"), "warning")
    if answer.status is None:
        return _badge(answer.error or _("No answer"), "bad")
    tone = {2: "good", 3: "good", 4: "warning"}.get(answer.status // 100, "bad")
    return _badge(f"{answer.status} {_phrase(answer.status)}".strip(), tone)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


@lru_cache(maxsize=10_000, typed=True)  # a safe text equals an unsafe one
def _badge(text: str, tone: str) -> SafeString:
    return format_html('<span class="badge badge--{}">{}</span>', tone, text)


@register.filter
def label(choice: Choices | str) -> str:
    """The words of a choice; text as it is."""
    return str(getattr(choice, "label", choice))


@register.filter
def state_sentences(operation: Operation) -> list[str]:
    """What the state means for the person, and what became of this operation."""
    return sentences_of(operation)


@register.filter
def request_title(operation: Operation) -> str:
    """What was asked for, in the words of the operation's kind."""
    return str(kind_of(operation).texts.title)


@register.filter
def state_label(operation: Operation) -> str:
    """The state in the words of the operation's kind."""
    return label_of(operation)


@register.simple_tag
def news(operation: Operation) -> SafeString:
    """Attributes by which the script says what became of an operation, and whether it is bad."""
    subject = operation.subject_name or operation.volume_name or str(operation.pk)[:8]
    state = label_of(operation)
    # Other languages have their own rules for small letters, or have none.
    state = state.lower() if str(get_language()).startswith("en") else state
    return _news(_("{subject}: {state}"), subject, state, operation.status.tone)


def snapshot_news(snapshot: Snapshot) -> SafeString:
    """The same of a snapshot."""
    form = _("{subject}: {state}")
    return _news(form, snapshot.label, snapshot.status, snapshot_tone(snapshot))


@lru_cache(maxsize=10_000, typed=True)  # a safe text equals an unsafe one
def _news(form: str, subject: str, state: str, tone: str) -> SafeString:
    text = form.format(subject=subject, state=state)
    return format_html(' data-says="{}" data-tone="{}"', text, tone)


@register.simple_tag
def against_usual(operation: Operation, usual_seconds: float | None) -> str:
    """How long such a thing usually takes; said otherwise when it takes much longer. A request that
    waits in line is not slow: only the time since it was sent counts.
    """
    if not usual_seconds or operation.sent_at is None:
        return ""
    passed = (timezone.now() - operation.sent_at).total_seconds()
    if passed > 30 and passed > 3 * usual_seconds:
        return _("longer than usual (about {time})").format(time=lasted(usual_seconds))
    return _("usually about {time}").format(time=lasted(usual_seconds))
