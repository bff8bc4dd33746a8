"""How the pages write states: a badge with a word, and sentences for an operation's state."""

from http import HTTPStatus

from django import template
from django.db.models import Choices
from django.utils.html import format_html
from django.utils.safestring import SafeString

from snapshots.models import Exchange, Operation, OperationState, status_word
from snapshots.templatetags.times import lasted

register = template.Library()


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


@register.filter
def label(choice: Choices | str) -> str:
    """The words of a choice; text as it is."""
    return str(getattr(choice, "label", choice))


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
