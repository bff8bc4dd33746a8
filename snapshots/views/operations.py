"""What was asked for and what became of it; cancelling, ending and asking again."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from snapshots.forms import EndingForm, OperationFilterForm, new_key
from snapshots.forms.changes import offers_of
from snapshots.models import (
    CloudHealth,
    Operation,
    OperationState,
    Snapshot,
    Volume,
    watched_snapshot,
)
from snapshots.models.versions import (
    CLOUDS,
    GRANTS,
    OPERATIONS,
    SNAPSHOTS,
    topic_of_person,
    topic_of_volume,
)
from snapshots.operations.asking import KeyTakenError, ask_again
from snapshots.operations.kinds import KINDS, kind_of
from snapshots.operations.next_steps import NextStep, next_step_of
from snapshots.operations.refusals import NotAllowedError, Refusal
from snapshots.operations.stopping import cancel_operation, end_operation
from snapshots.operations.texts import KindTexts
from snapshots.rights.policy import Right, may
from snapshots.rights.requests import has_share, may_cancel
from snapshots.rights.visible import operations_visible_to
from snapshots.selectors import operations as selectors
from snapshots.selectors.changes import hindrance_of
from snapshots.selectors.clouds import quotas_of
from snapshots.selectors.hanging import is_hanging, may_end
from snapshots.selectors.kept import typical_seconds
from snapshots.selectors.snapshots import read_at, readings
from snapshots.templatetags.live import Live, pace_of
from snapshots.templatetags.table import Sorting
from snapshots.views.access import (
    PortalRequest,
    for_requesters,
    for_who_cancels,
    for_who_ends_requests,
    polled,
    with_a_role,
)
from snapshots.views.addresses import address_of
from snapshots.views.facts import facts_of
from snapshots.views.live import live_answer
from snapshots.views.next_disk import next_disk
from snapshots.views.timeline import timeline_of


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    operation: Operation
    usual_seconds: float | None  # told while it is not finished


# --- the list --------------------------------------------------------------------------------


@with_a_role
@require_safe
def requests(request: PortalRequest) -> HttpResponse:
    """The list."""
    return render(request, "snapshots/requests.html", _list_context(request))


@polled
@with_a_role
@require_safe
def rows(request: PortalRequest) -> HttpResponse:
    """What has changed in the list."""
    all_topics = (OPERATIONS, SNAPSHOTS, CLOUDS)
    own_topics = (topic_of_person(request.user.pk), CLOUDS)
    topics = all_topics if may(request.user, Right.SEE_ALL) else own_topics
    return live_answer(request, "snapshots/_rows.html", topics, lambda: _list_context(request))


def _list_context(request: PortalRequest) -> dict[str, Any]:
    sees_all = may(request.user, Right.SEE_ALL)
    form = OperationFilterForm(request.GET, sees_all=sees_all)
    page = selectors.operations_list(
        request.user,
        text=form.text(),
        state=form.chosen_state(),
        sort=form.order(),
        before=request.GET.get("before", ""),
    )
    return {
        "form": form,
        "filtered": bool(form.text() or form.chosen_state()),
        "lines": lines_of(page.rows),
        "older": page.next,
        "live": Live(_with_query("snapshots:rows", request), pace_of(page.rows)),
        "readings": readings() if any(map(_has_snapshot, page.rows)) else [],
        "checked_at": timezone.now(),
        "sees_all": sees_all,
        "sorting": Sorting(form.order(), request.GET),
    }


def _with_query(name: str, request: PortalRequest) -> str:
    query = request.GET.urlencode()
    return f"{reverse(name)}?{query}" if query else reverse(name)


def _has_snapshot(operation: Operation) -> bool:
    """Whether the list says how a snapshot is that the operation made."""
    return getattr(operation, "snapshot", None) is not None


def lines_of(operations: Sequence[Operation]) -> list[Line]:
    """Rows of a list, with how long such a thing usually takes while it is unfinished."""
    unfinished = {(row.cloud, row.kind) for row in operations if not row.is_final}
    usual = {pair: typical_seconds(*pair) for pair in sorted(unfinished)}
    return [Line(row, None if row.is_final else usual[row.cloud, row.kind]) for row in operations]


# --- one operation ---------------------------------------------------------------------------


@with_a_role
@require_safe
def detail(request: PortalRequest, operation_id: uuid.UUID) -> HttpResponse:
    return _detail(request, _visible(request, operation_id))


def _detail(
    request: PortalRequest, operation: Operation, *, ending: EndingForm | None = None
) -> HttpResponse:
    """`ending`: as it was sent, with what was wrong."""
    context = _page_context(request, operation)
    context["ending"] = context["ending"] and (ending or context["ending"])
    context["next_disk"] = next_disk(operation, request.user)
    return render(request, "snapshots/detail.html", context)


@polled
@with_a_role
@require_safe
def status(request: PortalRequest, operation_id: uuid.UUID) -> HttpResponse:
    """What has changed on the page of an operation."""
    operation = _visible(request, operation_id)
    topics = (topic_of_volume(operation.cloud, operation.volume_id), CLOUDS, GRANTS)

    def context() -> dict[str, Any]:
        return _page_context(request, _visible(request, operation_id))

    return live_answer(request, "snapshots/_request.html", topics, context)


def _page_context(request: PortalRequest, operation: Operation) -> dict[str, Any]:
    return _status_context(request, operation) | _result_context(request, operation)


def _visible(request: PortalRequest, operation_id: uuid.UUID) -> Operation:
    operations = operations_visible_to(request.user)
    return get_object_or_404(operations, pk=operation_id)


def _status_context(request: PortalRequest, operation: Operation) -> dict[str, Any]:
    snapshot = watched_snapshot(operation)
    blocking = selectors.operation_blocking(operation)
    may_see = blocking is not None and (
        blocking.requester_id == request.user.pk or may(request.user, Right.SEE_ALL)
    )
    return {
        "operation": operation,
        "snapshot": snapshot,
        "is_superseded": _is_superseded(operation, snapshot),
        "steps": timeline_of(operation, accepted_at=selectors.accepted_at(operation)),
        "refusal": selectors.refusal_holding_back(operation),
        "blocking": blocking,
        "may_see_blocking": may_see,
        "usual_seconds": _usual_seconds(operation),
        "live": Live(reverse("snapshots:status", args=[operation.pk]), pace_of([operation])),
        "checked_at": timezone.now(),
    }


def _is_superseded(operation: Operation, snapshot: Snapshot | None) -> bool:
    """Whether the operation's own sentences say that the snapshot it made is there, and the last
    reading says that it is not.
    """
    if snapshot is None or snapshot.operation_id != operation.pk:
        return False
    return operation.status is OperationState.SUCCEEDED and not snapshot.is_listed


def _usual_seconds(operation: Operation) -> float | None:
    if operation.is_final:
        return None
    return typical_seconds(operation.cloud, operation.kind)


def _result_context(request: PortalRequest, operation: Operation) -> dict[str, Any]:
    user = request.user
    snapshot = watched_snapshot(operation)
    next_step = next_step_of(operation)
    return {
        "read_at": _read_at(snapshot) if snapshot is not None else None,
        "changes": _changes(operation, user),
        "change_address": _address_to_ask_otherwise(operation),
        "title": kind_of(operation).texts.title,
        "facts": facts_of(operation, snapshot),
        "next_step": next_step.value if next_step else "",
        "quotas": quotas_of([operation.cloud]) if next_step is NextStep.MAKE_ROOM else [],
        "may_cancel": may_cancel(user, operation) and operation.can_be_cancelled,
        "may_ask_again": has_share(user, operation) and operation.can_be_asked_again,
        "fill_in_again": _fill_in_again(operation, user),
        "may_take_another": may(user, Right.REQUEST) and operation.is_final and not next_step,
        "may_audit": may(user, Right.AUDIT),
        "ending": EndingForm() if may_end(user, operation) else None,
        "is_hanging": not operation.is_final and is_hanging(operation),
        "again_key": new_key(),
        "asked_again": operation.asked_again.order_by("asked_at").first(),
    }


def _address_to_ask_otherwise(operation: Operation) -> str:
    """The form that asks for the same kind of operation, with other values."""
    if operation.target_snapshot is not None:
        return address_of(operation.target_snapshot, "change", operation.kind)
    return f"{reverse('snapshots:new')}?again={operation.pk}"


@dataclass(frozen=True, slots=True)
class _Way:
    """What a person is offered where the same cannot be asked again by a button."""

    address: str
    label: str


def _fill_in_again(operation: Operation, user: User) -> _Way | None:
    """For what must be looked at again each time, the form; or the snapshot, whose page says why
    there is no form now. None: a button asks for the same.
    """
    columns = {"cloud": operation.cloud, "volume_id": operation.volume_id}
    volume, snapshot = Volume.objects.filter(**columns).first(), operation.target_snapshot
    if not operation.can_be_asked_again or volume is None or snapshot is None:
        return None
    if kind_of(operation).obstacle(operation, volume) is not Refusal.FILL_IN_AGAIN:
        return None
    is_offered = hindrance_of(snapshot, user) is None and any(
        offer.kind.value == operation.kind and not offer.why_not
        for offer in offers_of(snapshot, user)
    )
    if is_offered:
        return _Way(_address_to_ask_otherwise(operation), _("Fill in again"))
    return _Way(address_of(snapshot), _("See the snapshot"))


def _changes(operation: Operation, user: User) -> list[tuple[str, KindTexts]]:
    """The changes that the person may ask for the operation's snapshot, as addresses and words."""
    row = watched_snapshot(operation)
    is_done = row is not None and operation.status is OperationState.SUCCEEDED
    if row is None or not is_done or hindrance_of(row, user) is not None:
        return []
    offers = [offer for offer in offers_of(row, user) if not offer.why_not]
    return [
        (address_of(row, "change", offer.kind.value), KINDS[offer.kind].texts) for offer in offers
    ]


def _read_at(snapshot: Snapshot) -> datetime:
    columns = {"cloud": snapshot.cloud, "volume_id": snapshot.volume_id}
    volume = Volume.objects.filter(**columns).first()
    return read_at(
        snapshot, volume=volume, health=CloudHealth.objects.filter(cloud=snapshot.cloud).first()
    )


@for_who_cancels
@require_POST
def cancel(request: PortalRequest, operation_id: uuid.UUID) -> HttpResponse:
    operation = _visible(request, operation_id)
    try:
        cancelled = cancel_operation(operation=operation, person=request.user)
    except NotAllowedError:
        messages.error(request, _("This is not yours to cancel. Nothing was changed."))
    else:
        if cancelled:
            messages.success(
                request, str(kind_of(operation).texts.sentences[OperationState.CANCELLED])
            )
        else:
            messages.warning(
                request, _("Too late to cancel: it was already sent. See below what became of it.")
            )
    return redirect("snapshots:detail", operation.pk)


@for_who_ends_requests
@require_POST
def end(request: PortalRequest, operation_id: uuid.UUID) -> HttpResponse:
    operation = _visible(request, operation_id)
    form = EndingForm(request.POST)
    if not form.is_valid():
        return _detail(request, operation, ending=form)
    try:
        ended = end_operation(
            operation=operation, person=request.user, why=form.cleaned_data["why"]
        )
    except NotAllowedError as error:
        messages.error(request, _("{reason} Nothing was changed.").format(reason=error))
    else:
        if ended:
            messages.success(request, _("Ended. The volume is free for the next request."))
        else:
            messages.warning(request, _("It has ended by itself; see below."))
    return redirect("snapshots:detail", operation.pk)


@for_requesters
@require_POST
def again(request: PortalRequest, operation_id: uuid.UUID) -> HttpResponse:
    operation = _visible(request, operation_id)
    try:
        key = uuid.UUID(request.POST.get("key", ""))
        newer, is_new = ask_again(operation=operation, person=request.user, key=key)
    except NotAllowedError as error:
        messages.error(request, _("{reason} Nothing was asked.").format(reason=error))
    except (KeyTakenError, ValueError):
        messages.error(request, _("Nothing was asked: the button was out of date. Press it again."))
    else:
        sentence = _("Asked again.") if is_new else _("This was already asked again; here it is.")
        messages.success(request, sentence)
        operation = newer
    return redirect("snapshots:detail", operation.pk)
