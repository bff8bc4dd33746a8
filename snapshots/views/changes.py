"""Asking for a change of a snapshot: one page for every kind that changes one."""

from dataclasses import dataclass, fields
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from snapshots.forms import ROW_BUTTONS, MetadataRow, new_key, rows_after_button
from snapshots.forms.change import ChangeForm
from snapshots.forms.changes import CHANGE_FORMS
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.localized import sentences
from snapshots.models import Operation, OperationKind, Snapshot, Volume
from snapshots.models.ids import is_uuid
from snapshots.operations.asking import KeyTakenError, OperationArguments
from snapshots.operations.kinds import KINDS
from snapshots.operations.refusals import NotAllowedError
from snapshots.rights.visible import snapshots_visible_to
from snapshots.selectors.changes import Hindrance, hindrance_of, usable_volume_of
from snapshots.views.access import PortalRequest, for_requesters
from snapshots.views.addresses import address_of
from snapshots.views.step_up import with_recent_proof

# A form's values for these go into the operation as they are.
_ARGUMENTS = frozenset(field.name for field in fields(OperationArguments)) - {
    "kind",
    "volume",
    "target_snapshot",
    "batch",
}
_SAID_BELOW = frozenset({"on_behalf_of", "ticket", "reason", "no_secret"})  # parts of every form


def _overwrites_disk(_request: PortalRequest, *, kind: str, **_address: str) -> bool:
    return kind == OperationKind.ROLLBACK


@for_requesters
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof(when=_overwrites_disk)
def change(request: PortalRequest, cloud: str, snapshot_id: str, kind: str) -> HttpResponse:
    """The form of a change of a snapshot; a valid one becomes an operation.

    The form's number stands in the address, so that the back button brings back the same form.
    """
    code = _kind_of_change(kind)
    visible = snapshots_visible_to(request.user).select_related("operation")
    snapshot = get_object_or_404(visible, cloud=cloud, snapshot_id=snapshot_id)
    key = request.GET.get("key", "")
    if not is_uuid(key):
        return redirect(f"{request.path}?key={new_key()}")
    sent = Operation.objects.filter(key=key, requester=request.user).first()
    if sent is not None:
        messages.info(request, _("This form was already sent; this is what it asked for."))
        return redirect("snapshots:detail", sent.pk)
    volume = usable_volume_of(snapshot, request.user)
    why_not = _why_not(code, snapshot, volume, request.user)
    if volume is None or why_not:
        messages.error(request, sentences([str(why_not), _("Nothing was asked.")]))
        return redirect(address_of(snapshot))
    about = _About(code, snapshot, volume)
    if request.method == "POST" and not any(name in request.POST for name in ROW_BUTTONS):
        return _ask(request, about)
    return _page(request, code, _form_to_fill_in(request, about, key))


@dataclass(frozen=True, slots=True)
class _About:
    """What is asked for, and of what."""

    kind: OperationKind
    snapshot: Snapshot
    volume: Volume


def _form_to_fill_in(request: PortalRequest, about: _About, key: str) -> ChangeForm:
    """As the snapshot is; or as typed, where a button only changed the number of rows."""
    if request.method != "POST":
        initial = {**CHANGE_FORMS[about.kind].initial_of(about.snapshot), "key": key}
        return _form(request, about, initial=initial)
    typed = {name: str(request.POST[name]) for name in request.POST}
    return _form(request, about, initial={"seen": ""} | typed)


def _why_not(code: OperationKind, snapshot: Snapshot, volume: Volume | None, person: User) -> str:
    """Why the change cannot be asked for; "" when it can."""
    hindrance = hindrance_of(snapshot, person)
    if hindrance is None and volume is None:  # taken away a moment ago
        hindrance = Hindrance.NOT_USABLE
    if hindrance is not None or volume is None:
        return str(hindrance.label) if hindrance else ""
    return CHANGE_FORMS[code].why_not(snapshot, volume, person)


def _form(request: PortalRequest, about: _About, **content: Any) -> ChangeForm:
    """Only some forms have rows."""
    form = CHANGE_FORMS[about.kind]
    if issubclass(form, FormWithMetadata) and request.method == "POST":
        content["rows"] = rows_after_button(request.POST)
    return form(requester=request.user, snapshot=about.snapshot, volume=about.volume, **content)


def _kind_of_change(kind: str) -> OperationKind:
    """Raises `Http404` for a kind that changes no snapshot."""
    if kind not in OperationKind.values or OperationKind(kind) not in CHANGE_FORMS:
        raise Http404
    return OperationKind(kind)


def _ask(request: PortalRequest, about: _About) -> HttpResponse:
    code, form = about.kind, _form(request, about, data=request.POST)
    if not form.is_valid():
        return _page(request, code, form)
    cleaned = form.cleaned_data
    arguments = OperationArguments(
        kind=code,
        volume=about.volume,
        target_snapshot=about.snapshot,
        called_no_secret=form.seems_secret and cleaned["no_secret"],
        **{name: value for name, value in cleaned.items() if name in _ARGUMENTS},
    )
    try:
        asked, _is_new = form.ask(requester=request.user, key=cleaned["key"], arguments=arguments)
    except KeyTakenError:
        form.add_error("key", _("Nothing was asked: the form was out of date. Send it once more."))
        return _page(request, code, form)
    except NotAllowedError as error:
        form = _form(request, about, data=request.POST)  # it may ask for more by now
        form.add_error(None, sentences([str(error), _("Nothing was asked.")]))
        return _page(request, code, form)
    messages.success(
        request, _("Your request is recorded. You may close this page; the portal carries on.")
    )
    return redirect("snapshots:detail", asked.pk)


def _page(request: PortalRequest, code: OperationKind, form: ChangeForm) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "own_fields": [field for field in form.visible_fields() if field.name not in _SAID_BELOW],
        "snapshot": form.snapshot,
        "key": form["key"].value(),
        "texts": KINDS[code].texts,
        "blank_row": MetadataRow("__N__"),
    }
    return render(request, "snapshots/change.html", context)
