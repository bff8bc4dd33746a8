"""The steps of an operation, in people's words; for auditors with every record."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.audit.record.actions import PORTAL
from snapshots.models import (
    SENDING_PURPOSES,
    Action,
    ActionCode,
    Exchange,
    Operation,
    OperationState,
    OutcomeCode,
    purpose_label,
    watched_snapshot,
)
from snapshots.operations.kinds import kind_of
from snapshots.operations.messages import action_label, anomaly_sentence
from snapshots.operations.refusals import reason_in
from snapshots.operations.restored import was_restored
from snapshots.selectors.records import Record
from snapshots.selectors.timeline import Records
from snapshots.templatetags.times import local


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened (`at`), happens now (`now`), or is still to come."""

    text: str
    at: datetime | None = None
    since_before: timedelta | None = None
    tone: str = "quiet"
    now: bool = False
    names_day: bool = False  # the first, and the first of another day


# Where the kind has no words of its own.
_STEPS = {
    OperationState.QUEUED: gettext_lazy("Waiting to be sent"),
    OperationState.SENDING: gettext_lazy("Being sent"),
    OperationState.FAILED: gettext_lazy("Failed"),
    OperationState.REFUSED: gettext_lazy("Refused by the cloud"),
    OperationState.CANCELLED: gettext_lazy("Cancelled"),
}
_ASKED, _SENT, _PERHAPS_SENT, _ACCEPTED = (
    gettext_lazy("Asked"),
    gettext_lazy("Sent to the cloud"),
    gettext_lazy("Perhaps sent: the portal was restored from a backup"),
    gettext_lazy("Accepted by the cloud"),
)


def _step_text(operation: Operation) -> str:
    """The present state as a step, in the words of the operation's kind."""
    state = operation.status
    if operation.outcome is OutcomeCode.RESTORED:
        state = OperationState.UNKNOWN  # whatever it waits for, it is looked for
    return str(kind_of(operation).texts.steps.get(state) or _STEPS[state])


def _sent(operation: Operation, accepted_at: datetime | None) -> str:
    """After a restore the time of sending is the backup's; nobody knows whether it was sent."""
    is_doubtful = accepted_at is None and operation.may_have_been_sent and was_restored(operation)
    return str(_PERHAPS_SENT if is_doubtful else _SENT)


def _end(operation: Operation, accepted_at: datetime | None) -> str:
    # Its answer may be in an archive; what the cloud made of it is still here.
    reached = accepted_at is not None or watched_snapshot(operation) is not None
    if operation.status is OperationState.FAILED and not reached:
        return _("Given up")
    return _step_text(operation)


def timeline_of(operation: Operation, *, accepted_at: datetime | None) -> list[Step]:
    """From the click to the end, or to what is going on and what is to come."""
    state = operation.status
    done: list[tuple[str, datetime | None, str]] = [
        (str(_ASKED), operation.asked_at, "good"),
        (_sent(operation, accepted_at), operation.sent_at, "good"),
        (str(_ACCEPTED), accepted_at, "good"),
        (_end(operation, accepted_at), operation.finished_at, state.tone),
    ]
    steps: list[Step] = []
    for text, at, tone in done:
        if at is not None and text:
            before = steps[-1].at if steps else None
            is_new_day = before is None or local(before).date() != local(at).date()
            gap = at - before if before else None
            steps.append(Step(text, at, gap, tone, names_day=is_new_day))
    if not operation.is_final:
        steps.append(Step(_step_text(operation), tone=state.tone, now=True))
        steps.append(Step(str(kind_of(operation).texts.goal)))
    return steps


# --- with every record, for auditors ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """A record, or a change of state that has none."""

    at: datetime
    text: str
    actor: str = ""  # as named then
    note: str = ""
    tone: str = "quiet"
    address: str = ""
    gap: timedelta | None = None  # since the event before
    is_here: bool = False  # the record on whose page this stands
    exchange: Exchange | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Oldest first; whether records before the first or after the last are not shown."""

    events: list[Event]
    has_earlier: bool
    has_later: bool


def events_of(
    operation: Operation, *, records: Records, here: Record, accepted_at: datetime | None
) -> Timeline:
    """What happened to the operation, with the gaps between."""
    events = [_event(record, here) for record in records.rows]
    recorded = _recorded_steps(records.rows)
    others = [*_states(operation, accepted_at, recorded), *_relatives(operation)]
    first, last = events[0].at, events[-1].at
    # What lies beyond the records shown would stand beside a gap that is none.
    events += [
        event
        for event in others
        if (event.at >= first or not records.has_earlier)
        and (event.at <= last or not records.has_later)
    ]
    events.sort(key=lambda event: event.at)
    return Timeline(_with_gaps(events), records.has_earlier, records.has_later)


def _with_gaps(events: list[Event]) -> list[Event]:
    return [
        replace(event, gap=event.at - events[number - 1].at) if number else event
        for number, event in enumerate(events)
    ]


def _event(record: Record, here: Record) -> Event:
    address = reverse("snapshots:record", args=[record.id])
    is_here = record.id == here.id
    if isinstance(record, Exchange):
        text, by = purpose_label(record.purpose), _sender(record)
        return Event(record.at, text, by, address=address, is_here=is_here, exchange=record)
    if isinstance(record, Action):
        text, note = action_label(record), reason_in(record.details)
        return Event(record.at, text, record.actor_name, note, address=address, is_here=is_here)
    text = _("Anomaly: {kind}").format(kind=record.get_kind_display())
    note = anomaly_sentence(record)
    return Event(record.at, text, "", note, "bad", address, is_here=is_here)


def _sender(exchange: Exchange) -> str:
    """Only the worker calls clouds, whoever asked."""
    if exchange.actor_name == PORTAL:
        return _("the portal")
    return _("the portal, for {name}").format(name=exchange.actor_name)


def _recorded_steps(rows: list[Record]) -> set[str]:
    """The steps that a record shows already."""
    asked = {ActionCode.OPERATION_ASKED, ActionCode.OPERATION_AGAIN}
    steps = set()
    for row in rows:
        if isinstance(row, Action) and row.code in asked:
            steps.add(str(_ASKED))
        if isinstance(row, Exchange) and row.purpose in SENDING_PURPOSES:
            steps.add(str(_SENT))
    return steps


def _states(
    operation: Operation, accepted_at: datetime | None, recorded: set[str]
) -> Iterator[Event]:
    steps = timeline_of(operation, accepted_at=accepted_at)
    for step in steps:
        if step.at is not None and step.text not in recorded:
            yield Event(step.at, step.text, note=_("state"), tone=step.tone)
        elif step.now:
            yield Event(operation.state_at, step.text, note=_("state since"), tone=step.tone)
    snapshot = watched_snapshot(operation)
    if snapshot is not None:
        text = _("Read last from the cloud: {status}").format(status=snapshot.status)
        yield Event(snapshot.read_at(), text, note=snapshot.progress)


def _relatives(operation: Operation) -> Iterator[Event]:
    """Requests that ask for the same once more."""
    for newer in operation.asked_again.order_by("asked_at"):
        address = reverse("snapshots:detail", args=[newer.pk])
        yield Event(
            newer.asked_at,
            _("Asked again, as a new request"),
            newer.requester_name,
            address=address,
        )
    older = operation.again_for
    if older is not None:
        address = reverse("snapshots:detail", args=[older.pk])
        text = _("First asked for, in an earlier request")
        yield Event(older.asked_at, text, older.requester_name, address=address)
