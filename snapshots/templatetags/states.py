"""How the pages write states: a badge with a word, and sentences for an operation's state."""

from http import HTTPStatus

from django import template
from django.db.models import Choices
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from snapshots.models import Exchange, Operation, status_word
from snapshots.operations.messages import label_of, sentences_of
from snapshots.templatetags.times import lasted

register = template.Library()


_VOLUME_TONES = {"available": "good", "in-use": "working", "attaching": "warning"}


@register.simple_tag
def badge(operation: Operation) -> SafeString:
    """The state of an operation."""
    return _badge(label_of(operation), operation.status.tone)


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
def state_label(operation: Operation) -> str:
    """The state in the words of the operation's kind."""
    return label_of(operation)


@register.filter
def against_usual(operation: Operation, usual_seconds: float | None) -> str:
    """How long such a thing usually takes; said otherwise when it takes much longer."""
    if not usual_seconds:
        return ""
    passed = operation.elapsed.total_seconds()
    if passed > 30 and passed > 3 * usual_seconds:
        return _("longer than usual (about {time})").format(time=lasted(usual_seconds))
    return _("usually about {time}").format(time=lasted(usual_seconds))
