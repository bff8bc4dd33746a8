"""Asking for a snapshot."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from snapshots.forms import (
    ROW_BUTTONS,
    MetadataRow,
    SnapshotForm,
    new_key,
    read_rows,
    rows_after_button,
    rows_of,
    suggested_name,
)
from snapshots.models import Operation, OperationKind, Volume
from snapshots.models.ids import is_uuid
from snapshots.operations.asking import KeyTakenError, OperationArguments, ask_for_operation
from snapshots.operations.refusals import NotAllowedError, Refusal
from snapshots.rights.visible import operations_visible_to
from snapshots.selectors.clouds import quotas_of
from snapshots.selectors.operations import (
    open_operations_count,
    operations_matching,
    operations_page,
    typical_seconds,
)
from snapshots.selectors.readings import first_reading_state
from snapshots.views.access import PortalRequest, for_requesters

HELPERS = (*ROW_BUTTONS, "show")  # buttons that only show the form again


@for_requesters
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PortalRequest) -> HttpResponse:
    """The form; a valid one becomes an operation.

    The form's number stands in the address, so that the back button brings back the same form, in
    any browser, and not a new one that would ask a second time.
    """
    if request.method != "POST":
        return _show_blank(request)
    if any(name in request.POST for name in HELPERS):
        return _page(request, _form_as_typed(request))
    if (sent := _already_sent(request, request.POST.get("key", ""))) is not None:
        return _show_first(request, sent)
    form = SnapshotForm(request.POST, requester=request.user, rows=read_rows(request.POST))
    if not form.is_valid():
        return _page(request, form)
    return _ask(request, form)


def _show_blank(request: PortalRequest) -> HttpResponse:
    key = request.GET.get("key", "")
    if not is_uuid(key):
        query = request.GET.copy()
        query["key"] = str(new_key())
        return redirect(f"{request.path}?{query.urlencode()}")
    if (sent := _already_sent(request, key)) is not None:
        return _show_first(request, sent)
    return _page(request, _fresh_form(request, key))


_FIELD_OF = {Refusal.VOLUME_NOT_USABLE: "volume_id"}  # others are about the whole request


def _ask(request: PortalRequest, form: SnapshotForm) -> HttpResponse:
    try:
        operation, is_new = ask_for_operation(
            requester=request.user, key=form.cleaned_data["key"], arguments=_arguments(form)
        )
    except KeyTakenError:
        form.add_error("key", _("Nothing was asked: the form was out of date. Send it once more."))
        return _page(request, form)
    except NotAllowedError as error:
        form.add_error(_FIELD_OF.get(error.refusal), f"{error} {_('Nothing was asked.')}")
        return _page(request, form)
    if not is_new:
        return _show_first(request, operation)
    messages.success(
        request,
        _("Your request is recorded. You may close this page; the portal carries on."),
    )
    return redirect("snapshots:detail", operation.pk)


def _already_sent(request: PortalRequest, key: str) -> Operation | None:
    """What this form asked for when it was sent before; whatever it says now is not looked at."""
    mine = operations_visible_to(request.user).filter(requester=request.user)
    return mine.filter(key=key).first() if is_uuid(key) else None


def _show_first(request: PortalRequest, operation: Operation) -> HttpResponse:
    messages.info(request, _("This form was already sent; this is what it asked for."))
    return redirect("snapshots:detail", operation.pk)


def _arguments(form: SnapshotForm) -> OperationArguments:
    cleaned = form.cleaned_data
    assert form.volume is not None  # noqa: S101 - a valid form has one
    return OperationArguments(
        volume=form.volume,
        name=cleaned["name"],
        description=cleaned["description"],
        force=cleaned["force"],
        metadata=form.metadata,
        on_behalf_of=cleaned.get("on_behalf_of", ""),
        ticket=cleaned.get("ticket", ""),
        reason=cleaned.get("reason", ""),
        called_no_secret=form.seems_secret and cleaned["no_secret"],
    )


# --- showing the form ------------------------------------------------------------------------


def _fresh_form(request: PortalRequest, key: str) -> SnapshotForm:
    """Blank, or with a volume chosen, or as an earlier operation was (`again`)."""
    earlier = _earlier(request)
    if earlier is None:
        initial: dict[str, Any] = {"volume_id": request.GET.get("volume_id", "")}
        rows: list[MetadataRow] = []
    else:
        fields = ("volume_id", "name", "description", "on_behalf_of", "ticket", "reason")
        initial = {name: getattr(earlier, name) for name in fields}
        rows = rows_of(earlier.metadata)
    return SnapshotForm(initial=initial | {"key": key}, requester=request.user, rows=rows)


def _earlier(request: PortalRequest) -> Operation | None:
    given = request.GET.get("again", "")
    visible = operations_visible_to(request.user)
    return visible.filter(pk=given).first() if is_uuid(given) else None


def _form_as_typed(request: PortalRequest) -> SnapshotForm:
    """Nothing is checked yet: the person only wanted another row, or to see the volume."""
    return SnapshotForm(
        initial=_typed(request.POST), requester=request.user, rows=rows_after_button(request.POST)
    )


def _typed(post: QueryDict) -> dict[str, str]:
    names = SnapshotForm.base_fields.keys() & post.keys()
    return {name: str(post[name]) for name in names}


def _page(request: PortalRequest, form: SnapshotForm) -> HttpResponse:
    context = {
        "form": form,
        "key": _key_to_render(form),
        "blank_row": MetadataRow("__N__"),
        **_volume_context(request, form.volume),
    }
    if not form.volumes:
        context |= {"reading": first_reading_state(), "page_address": request.path}
    return render(request, "snapshots/new.html", context)


def _key_to_render(form: SnapshotForm) -> Any:
    """The form keeps its number through corrections; a broken or taken one is replaced."""
    is_broken = form.is_bound and "key" in form.errors
    return new_key() if is_broken else form["key"].value() or new_key()


# --- the chosen volume -----------------------------------------------------------------------


@for_requesters
@require_safe
def volume_facts(request: PortalRequest) -> HttpResponse:
    """What is known of the chosen volume, and the box it may need. Its box is always blank:
    consent is given for one volume, not for the next one chosen.
    """
    form = SnapshotForm(
        initial={"volume_id": request.GET.get("volume_id", "")}, requester=request.user
    )
    context = {"form": form, **_volume_context(request, form.volume)}
    return render(request, "snapshots/_volume_facts.html", context)


def _volume_context(request: PortalRequest, volume: Volume | None) -> dict[str, Any]:
    if volume is None:
        return {"volume": None}
    mine = operations_visible_to(request.user).filter(cloud=volume.cloud)
    return {
        "volume": volume,
        "quotas": quotas_of([volume.cloud]),
        "open_operations": open_operations_count(volume),
        "latest": operations_page(
            operations_matching(mine, volume_id=volume.volume_id), size=3
        ).rows,
        "suggestion": suggested_name(volume, now=timezone.now()),
        "usual_seconds": typical_seconds(volume.cloud, OperationKind.CREATE),
    }
