"""One record of the audit trail, whichever kind it is of: for auditors."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snapshots.audit.record.actions import record as record_action
from snapshots.audit.record.comparison import Comparison, compare
from snapshots.audit.record.redaction import storable
from snapshots.models import (
    COMPARED_PURPOSES,
    Action,
    ActionCode,
    Anomaly,
    Answer,
    Exchange,
    watched_snapshot,
)
from snapshots.rights.visible import actions_visible_to, anomalies_visible_to, exchanges_visible_to
from snapshots.selectors.archives import archives_visible_to
from snapshots.selectors.operations import accepted_at, is_changed_later
from snapshots.selectors.records import Record, caused_by
from snapshots.selectors.timeline import records_around
from snapshots.selectors.trail import (
    exchange_neighbours,
)
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.commands import choices, command_of
from snapshots.views.timeline import Timeline, events_of


@for_auditors
@require_safe
def record(request: PortalRequest, record_id: uuid.UUID) -> HttpResponse:
    """The record that bears this id. Looking at it is recorded."""
    record = _record_with(request, record_id)
    if record is None:
        return _not_here(request, record_id)
    record_action(ActionCode.AUDIT_READ, subject=str(record_id))
    context = {
        "record": record,
        # Without what was asked of this page: it is for quoting.
        "address": request.build_absolute_uri(request.path),
        "timeline": _timeline(request, record),
        "caused": _caused(record),
    }
    if isinstance(record, Exchange):
        return render(request, "snapshots/exchange.html", context | _both_sides(request, record))
    if isinstance(record, Action):
        return render(request, "snapshots/action.html", context | {"action": record})
    return render(request, "snapshots/anomaly.html", context | {"anomaly": record})


def _not_here(request: PortalRequest, record_id: uuid.UUID) -> HttpResponse:
    """The trail does not know the ids of what was archived: only how old it is, and where."""
    archives = archives_visible_to(request.user)
    if not archives:
        raise Http404
    context = {"archives": archives, "record_id": record_id}
    return render(request, "snapshots/archived.html", context, status=404)


def _record_with(request: PortalRequest, record_id: uuid.UUID) -> Record | None:
    for table in (
        exchanges_visible_to(request.user),
        actions_visible_to(request.user),
        anomalies_visible_to(request.user),
    ):
        record: Record | None = table.filter(id=record_id).first()
        if record is not None:
            return record
    return None


def _timeline(request: PortalRequest, record: Record) -> Timeline | None:
    """All of the operation that the record belongs to."""
    if record.operation is None:
        return None
    records = records_around(record.operation, record=record, user=request.user)
    accepted = accepted_at(record.operation)
    return events_of(record.operation, records=records, here=record, accepted_at=accepted)


def _caused(record: Record) -> list[Record]:
    """What else the same click caused, less what the operation's timeline tells already."""
    if isinstance(record, Anomaly):
        return []
    caused = caused_by(record.cause, besides=record.id)
    operation = record.operation_id
    return [row for row in caused if operation is None or row.operation_id != operation]


def _both_sides(request: PortalRequest, exchange: Exchange) -> dict[str, Any]:
    answer: Answer | None = getattr(exchange, "answer", None)
    before, after = exchange_neighbours(exchange)
    command = command_of(exchange, program=request.GET.get("as", ""))
    return {
        "exchange": exchange,
        "answer": answer,
        "request_body": readable(exchange.body),
        "answer_body": readable(answer.body) if answer else "",
        "before": before,
        "after": after,
        "comparison": _comparison(exchange, answer),
        "command": command,
        "ways": choices(command),
    }


def _comparison(exchange: Exchange, answer: Answer | None) -> Comparison | None:
    """None: the request does not say how a snapshot shall be."""
    operation = exchange.operation
    if exchange.purpose not in COMPARED_PURPOSES:
        return None
    seen = watched_snapshot(operation) if operation is not None else None
    is_later = operation is not None and seen is not None and is_changed_later(operation, seen)
    return compare(exchange, answer=answer, seen=None if is_later else seen, is_later=is_later)


def readable(body: str) -> str:
    """JSON indented, for eyes; anything else as it came."""
    try:
        return storable(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return body
