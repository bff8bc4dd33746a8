"""Asking for a change of a snapshot: one page for every kind that changes one."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from snapshots.forms import new_key
from snapshots.forms.changes import CHANGE_FORMS, ChangeForm
from snapshots.models import Operation, OperationKind, Snapshot, Volume, watched_snapshot
from snapshots.models.ids import is_uuid
from snapshots.operations.asking import KeyTakenError, OperationArguments, ask_for_operation
from snapshots.operations.kinds import KINDS
from snapshots.operations.rights import NotAllowedError
from snapshots.selectors.operations import operations_visible_to
from snapshots.selectors.volumes import volumes_usable_by
from snapshots.views.access import PortalRequest, for_requesters


@for_requesters
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: PortalRequest, operation_id: uuid.UUID, kind: str) -> HttpResponse:
    """The form of a change of the operation's snapshot; a valid one becomes an operation.

    The form's number stands in the address, so that the back button brings back the same form.
    """
    operation = get_object_or_404(operations_visible_to(request.user), pk=operation_id)
    snapshot, code = _snapshot_to_change(operation, kind)
    key = request.GET.get("key", "")
    if not is_uuid(key):
        return redirect(f"{request.path}?key={new_key()}")
    sent = Operation.objects.filter(key=key, requester=request.user).first()
    if sent is not None:
        messages.info(request, _("This form was already sent; this is what it asked for."))
        return redirect("snapshots:detail", sent.pk)
    if request.method != "POST":
        initial = {**CHANGE_FORMS[code].initial_of(snapshot), "key": key}
        form = CHANGE_FORMS[code](initial=initial, requester=request.user, snapshot=snapshot)
        return _page(request, operation, code, form)
    form = CHANGE_FORMS[code](request.POST, requester=request.user, snapshot=snapshot)
    if not form.is_valid():
        return _page(request, operation, code, form)
    return _ask(request, operation, code, form)


def _snapshot_to_change(operation: Operation, kind: str) -> tuple[Snapshot, OperationKind]:
    """Raises `Http404` for a kind that changes nothing, and where nothing is to be changed."""
    snapshot = watched_snapshot(operation)
    is_change = kind in OperationKind.values and OperationKind(kind) in CHANGE_FORMS
    if not is_change or snapshot is None or not operation.is_final:
        raise Http404
    return snapshot, OperationKind(kind)


def _ask(
    request: PortalRequest, operation: Operation, code: OperationKind, form: ChangeForm
) -> HttpResponse:
    cleaned = form.cleaned_data
    usable = volumes_usable_by(request.user)
    volume: Volume | None = usable.filter(
        cloud=operation.cloud, volume_id=operation.volume_id
    ).first()
    if volume is None:
        form.add_error(None, _("You may no longer use this volume. Nothing was asked."))
        return _page(request, operation, code, form)
    arguments = OperationArguments(
        kind=code,
        volume=volume,
        target_snapshot=form.snapshot,
        name=cleaned.get("name"),
        description=cleaned.get("description"),
        on_behalf_of=cleaned.get("on_behalf_of", ""),
        ticket=cleaned.get("ticket", ""),
        reason=cleaned.get("reason", ""),
        called_no_secret=form.seems_secret and cleaned["no_secret"],
    )
    try:
        asked, _is_new = ask_for_operation(
            requester=request.user, key=cleaned["key"], arguments=arguments
        )
    except KeyTakenError:
        form.add_error("key", _("Nothing was asked: the form was out of date. Send it once more."))
        return _page(request, operation, code, form)
    except NotAllowedError as error:
        form.add_error(None, f"{error} " + _("Nothing was asked."))
        return _page(request, operation, code, form)
    messages.success(
        request, _("Your request is recorded. You may close this page; the portal carries on.")
    )
    return redirect("snapshots:detail", asked.pk)


def _page(
    request: PortalRequest, operation: Operation, code: OperationKind, form: ChangeForm
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "operation": operation,
        "snapshot": form.snapshot,
        "key": form["key"].value(),
        "texts": KINDS[code].texts,
    }
    return render(request, "snapshots/change.html", context)
