"""What was asked of the cloud beside what it kept, field by field, from the records alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.audit.record.redaction import has_original_body, storable
from snapshots.evs.secrets import MASK
from snapshots.models import Answer, Exchange, Snapshot

MOST_ROWS = 200  # of a strange answer; what can be asked for is fewer
LONGEST_SHOWN = 300
_FIELDS = ("volume_id", "name", "description", "force")
_SEEN_FIELDS = ("name", "description")  # of those, what the portal's own copy holds too


class Verdict(Enum):
    """What to say of a row: words, and a tone that repeats them."""

    SAME = (gettext_lazy("as asked"), "good")
    DIFFERS = (gettext_lazy("differs"), "bad")
    MISSING = (gettext_lazy("not kept"), "bad")
    ADDED = (gettext_lazy("added by the cloud"), "warning")
    NOT_REPORTED = (gettext_lazy("not reported by the cloud"), "quiet")
    HIDDEN = (gettext_lazy("hidden in the record, not compared"), "quiet")

    def __init__(self, label: Promise, tone: str) -> None:
        self.label = label
        self.tone = tone

    @property
    def differs(self) -> bool:
        return self in {Verdict.DIFFERS, Verdict.MISSING, Verdict.ADDED}


@dataclass(frozen=True, slots=True)
class Row:
    """One field. A text is None where that side does not tell it."""

    field: str
    asked: str | None
    answered: str | None
    seen: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows; `notes` say what could not be compared, and why."""

    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    more: int = 0  # rows that are not shown
    has_answer: bool = False  # whether the answer told of a snapshot
    seen_at: datetime | None = None  # when the portal read the snapshot last

    @property
    def differing(self) -> int:
        return sum(row.verdict.differs for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Side:
    """The fields as one side has them: texts by name."""

    texts: Mapping[str, str]
    tells_metadata: bool = False
    is_original: bool = True  # nothing was struck out of it


@dataclass(frozen=True, slots=True)
class _NoSide:
    """Why a body says nothing of a snapshot."""

    cut: Promise
    unreadable: Promise
    empty: Promise


_OF_REQUEST = _NoSide(
    cut=gettext_lazy("The body of the request was cut when it was stored."),
    unreadable=gettext_lazy("The body of the request is not readable as JSON."),
    empty=gettext_lazy("The body of the request has no snapshot in it."),
)
_OF_ANSWER = _NoSide(
    cut=gettext_lazy("The body of the answer was cut when it was stored."),
    unreadable=gettext_lazy("The body of the answer is not readable as JSON."),
    empty=gettext_lazy("The body of the answer has no snapshot in it."),
)


def compare(
    exchange: Exchange, *, answer: Answer | None, seen: Snapshot | None, is_later: bool = False
) -> Comparison:
    """Compare what a request asked of a snapshot with its answer, and with the snapshot as it was
    read last, unless a later request has changed it (`is_later`).
    """
    notes: list[str] = []
    if is_later:
        notes.append(
            _("A later request has changed the snapshot; its present state is not compared.")
        )
    asked = _read(exchange, _OF_REQUEST, notes)
    if asked is None:
        return Comparison(notes=tuple(notes))
    answered, answered_id = _answered_side(answer, notes)
    mirrored = _of_mirror(seen) if seen is not None else None
    if seen is not None and answered_id not in {"", seen.snapshot_id}:
        text = _("The portal reads another snapshot than this answer named: {id}.")
        notes.append(text.format(id=answered_id))
    if answered is None and mirrored is None:
        notes.append(_("No snapshot of this request is known, so there is nothing to compare."))
        return Comparison(notes=tuple(notes))
    # A change of some fields says nothing about the others.
    others = [] if exchange.method == "PUT" else [answered or _NONE, mirrored or _NONE]
    fields = _in_order([asked, *others])
    rows = tuple(_row(field, asked, answered, mirrored) for field in fields[:MOST_ROWS])
    return Comparison(
        rows=rows,
        notes=tuple(notes),
        more=max(0, len(fields) - MOST_ROWS),
        has_answer=answered is not None,
        seen_at=seen.seen_at if seen else None,
    )


# --- reading the sides -----------------------------------------------------------------------


def _answered_side(answer: Answer | None, notes: list[str]) -> tuple[_Side | None, str]:
    """What the answer says it made, and that snapshot's id."""
    if answer is None:
        notes.append(_("No answer was recorded."))
    elif answer.status is None:
        notes.append(_("The cloud did not answer."))
    elif not 200 <= answer.status < 300:
        text = _("The cloud answered {status}: by its word it made nothing.")
        notes.append(text.format(status=answer.status))
    elif (side := _read(answer, _OF_ANSWER, notes)) is not None:
        return side, side.texts.get("id", "")
    return None, ""


def _read(record: Exchange | Answer, texts: _NoSide, notes: list[str]) -> _Side | None:
    """The snapshot in this body; None, with a note, when there is none to be read."""
    if record.body_cut:
        notes.append(str(texts.cut))
        return None
    try:
        content = json.loads(record.body)
    except (ValueError, RecursionError):
        notes.append(str(texts.unreadable))
        return None
    snapshot = content.get("snapshot") if isinstance(content, dict) else None
    if not isinstance(snapshot, dict):
        notes.append(str(texts.empty))
        return None
    return _side_of(snapshot, is_original=has_original_body(record))


def _side_of(snapshot: Mapping[str, object], *, is_original: bool) -> _Side:
    texts = {name: _text(snapshot[name]) for name in (*_FIELDS, "id") if name in snapshot}
    metadata = snapshot.get("metadata")
    if not isinstance(metadata, dict):
        return _Side(texts, is_original=is_original)
    pairs = {_metadata_field(key): _text(value) for key, value in metadata.items()}
    return _Side({**texts, **pairs}, tells_metadata=True, is_original=is_original)


def _of_mirror(seen: Snapshot) -> _Side:
    texts = {name: str(getattr(seen, name)) for name in _SEEN_FIELDS}
    metadata = seen.metadata if isinstance(seen.metadata, dict) else {}
    pairs = {_metadata_field(key): _text(value) for key, value in metadata.items()}
    return _Side({**texts, **pairs}, tells_metadata=True)


def _metadata_field(key: str) -> str:
    return f"metadata {storable(key)}"


def _text(value: object) -> str:
    """A value as it is compared and shown; none and blank are the same to the cloud."""
    if value is None:
        return ""
    if isinstance(value, str):
        return storable(value)
    try:
        return storable(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):  # a number of thousands of digits, endless nesting
        return _("(not readable)")


# --- judging ---------------------------------------------------------------------------------

_NONE = _Side({})


def _in_order(sides: Iterable[_Side]) -> list[str]:
    names = dict.fromkeys(name for side in sides for name in side.texts if name != "id")
    return sorted(names, key=lambda name: _FIELDS.index(name) if name in _FIELDS else len(_FIELDS))


def _row(field: str, asked: _Side, answered: _Side | None, mirrored: _Side | None) -> Row:
    return Row(
        field,
        asked=_shortened(asked, field),
        answered=_shortened(answered, field),
        seen=_shortened(mirrored, field),
        verdict=_verdict(field, asked, [side for side in (answered, mirrored) if side is not None]),
    )


def _verdict(field: str, asked: _Side, others: list[_Side]) -> Verdict:
    asked_text = asked.texts.get(field, "")
    if any(_hides(side, field) for side in (asked, *others)):
        return Verdict.HIDDEN
    texts = list(_texts_of(field, others))
    if not texts:
        return Verdict.NOT_REPORTED
    if all(text == asked_text for text in texts):
        return Verdict.SAME
    if field not in asked.texts or not asked_text:
        return Verdict.ADDED
    return Verdict.MISSING if not all(texts) else Verdict.DIFFERS


def _texts_of(field: str, others: list[_Side]) -> Iterator[str]:
    """What each side that can tell says: metadata that is told without the pair is told blank."""
    for side in others:
        if field in side.texts:
            yield side.texts[field]
        elif field.startswith("metadata ") and side.tells_metadata:
            yield ""


def _hides(side: _Side, field: str) -> bool:
    return not side.is_original and MASK in side.texts.get(field, "")


def _shortened(side: _Side | None, field: str) -> str | None:
    text = side.texts.get(field) if side is not None else None
    return text if text is None or len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
