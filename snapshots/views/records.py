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
from snapshots.models import SENDING_PURPOSES, Action, ActionCode, Anomaly, Answer, Exchange
from snapshots.selectors.archives import archives_visible_to
from snapshots.selectors.operations import accepted_at
from snapshots.selectors.records import Record, caused_by
from snapshots.selectors.timeline import records_around
from snapshots.selectors.trail import (
    actions_visible_to,
    anomalies_visible_to,
    exchange_neighbours,
    exchanges_visible_to,
)
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.commands import choices, command_of
from snapshots.views.timeline import Timeline, events_of


@for_auditors
@require_safe
def record(request: PortalRequest, record_id: uuid.UUID) -> HttpResponse:
    """The record that bears this id. Looking at it is recorded."""
    found = _found(request, record_id)
    if found is None:
        return _not_here(request, record_id)
    record_action(ActionCode.AUDIT_READ, subject=str(record_id))
    context = {
        "record": found,
        # Without what was asked of this page: it is for quoting.
        "address": request.build_absolute_uri(request.path),
        "timeline": _timeline(request, found),
        "caused": _caused(found),
    }
    if isinstance(found, Exchange):
        return render(request, "snapshots/exchange.html", context | _both_sides(request, found))
    if isinstance(found, Action):
        return render(request, "snapshots/action.html", context | {"action": found})
    return render(request, "snapshots/anomaly.html", context | {"anomaly": found})


def _not_here(request: PortalRequest, record_id: uuid.UUID) -> HttpResponse:
    """The trail does not know the ids of what was archived: only how old it is, and where."""
    archives = archives_visible_to(request.user)
    if not archives:
        raise Http404
    context = {"archives": archives, "record_id": record_id}
    return render(request, "snapshots/archived.html", context, status=404)


def _found(request: PortalRequest, record_id: uuid.UUID) -> Record | None:
    for table in (
        exchanges_visible_to(request.user),
        actions_visible_to(request.user),
        anomalies_visible_to(request.user),
    ):
        found: Record | None = table.filter(id=record_id).first()
        if found is not None:
            return found
    return None


def _timeline(request: PortalRequest, found: Record) -> Timeline | None:
    """All of the operation that the record belongs to."""
    if found.operation is None:
        return None
    records = records_around(found.operation, record=found, user=request.user)
    accepted = accepted_at(found.operation)
    return events_of(found.operation, records=records, here=found, accepted_at=accepted)


def _caused(found: Record) -> list[Record]:
    """What else the same click caused, less what the operation's timeline tells already."""
    if isinstance(found, Anomaly):
        return []
    caused = caused_by(found.cause, besides=found.id)
    operation = found.operation_id
    return [one for one in caused if operation is None or one.operation_id != operation]


def _both_sides(request: PortalRequest, exchange: Exchange) -> dict[str, Any]:
    answer: Answer | None = getattr(exchange, "answer", None)
    before, after = exchange_neighbours(exchange)
    command = command_of(exchange, wanted=request.GET.get("as", ""))
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
    """Only a create asks for something that can be kept."""
    if exchange.purpose not in SENDING_PURPOSES:
        return None
    seen = getattr(exchange.operation, "snapshot", None) if exchange.operation else None
    return compare(exchange, answer=answer, seen=seen)


def readable(body: str) -> str:
    """JSON indented, for eyes; anything else as it came."""
    try:
        return storable(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return body
