"""Asking for a snapshot."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from snapshots.forms import (
    ROW_BUTTONS,
    LinkedForm,
    MetadataRow,
    SnapshotForm,
    new_key,
    read_rows,
    rows_after_button,
    rows_of,
)
from snapshots.localized import sentences
from snapshots.models import Operation
from snapshots.models.ids import is_uuid
from snapshots.operations.asking import KeyTakenError, OperationArguments, ask_for_operation
from snapshots.operations.refusals import NotAllowedError, Refusal
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import operations_visible_to
from snapshots.selectors.picker import offers_among, remembered
from snapshots.selectors.readings import first_reading_state
from snapshots.views.access import PortalRequest, for_requesters
from snapshots.views.choosing import sought_in, suggestion_for, volume_context

HELPERS = (*ROW_BUTTONS, "search", "show")  # buttons that only show the form again
FOR_WHOM = ("on_behalf_of", "ticket", "reason")


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
    form = SnapshotForm(_with_name(request), requester=request.user, rows=read_rows(request.POST))
    if not form.is_valid():
        return _page(request, form)
    return _ask(request, form)


def _show_blank(request: PortalRequest) -> HttpResponse:
    key = request.GET.get("key", "")
    if not is_uuid(key) or "volume_id" in request.GET:
        query = request.GET.copy()
        query["key"] = key if is_uuid(key) else str(new_key())
        for volume_id in query.pop("volume_id", []):  # links had this name for it before
            query.setdefault("volume", volume_id)
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
        form.add_error(
            _FIELD_OF.get(error.refusal), sentences([str(error), _("Nothing was asked.")])
        )
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
    """As a link fills it in, or as an earlier operation was (`again`)."""
    earlier = _earlier(request)
    if earlier is not None:
        fields = ("volume_id", "name", "description", *FOR_WHOM)
        initial = {name: getattr(earlier, name) for name in fields} | {"key": key}
        rows = rows_of(earlier.metadata)
        return SnapshotForm(initial=initial, requester=request.user, rows=rows)
    last = _remembered(request)
    texts = {name: str(getattr(last, name)) for name in FOR_WHOM} if last is not None else {}
    form = LinkedForm(request.GET, requester=request.user, key=key, remembered=texts)
    if form.volume is not None and "name" not in form.given:
        form.fill_in(name=suggestion_for(request, form))
    return form


def _earlier(request: PortalRequest) -> Operation | None:
    given = request.GET.get("again", "")
    visible = operations_visible_to(request.user)
    return visible.filter(pk=given).first() if is_uuid(given) else None


def _remembered(request: PortalRequest) -> Operation | None:
    """The helpdesk's last request, unless the link says for whom and why itself, even if blank."""
    if not may(request.user, Right.REQUEST_FOR_OTHERS) or request.GET.keys() & {*FOR_WHOM, "again"}:
        return None
    return remembered(request.user)


def _form_as_typed(request: PortalRequest) -> SnapshotForm:
    """Nothing is checked yet: the person only wanted another row, or to see the volume."""
    form = SnapshotForm(
        initial=_typed(request.POST), requester=request.user, rows=rows_after_button(request.POST)
    )
    # A name that the person typed, or took away, stays.
    is_untouched = request.POST.get("name", "") == request.POST.get("suggested", "")
    if form.volume is not None and is_untouched:
        form.initial["name"] = suggestion_for(request, form)
    return form


def _with_name(request: PortalRequest) -> QueryDict:
    """What was sent. Without a script the name does not follow the volume: where none was suggested
    and none was typed, the page said that the portal gives one.
    """
    sent = request.POST
    if "name_it" not in sent or sent.get("name", "").strip() or sent.get("suggested"):
        return sent
    form = SnapshotForm(initial=_typed(sent), requester=request.user)
    named = sent.copy()
    named["name"] = suggestion_for(request, form)
    return named


def _typed(post: QueryDict) -> dict[str, str]:
    names = SnapshotForm.base_fields.keys() & post.keys()
    return {name: str(post[name]) for name in names}


def _page(request: PortalRequest, form: SnapshotForm) -> HttpResponse:
    is_sent = request.method == "POST"
    find, server = sought_in(request.POST)
    if isinstance(form, LinkedForm):
        server = form.server
    offers = offers_among(form.usable, request.user, text=find, server=server)
    form.offer(offers)
    context = {
        "form": form,
        "key": _key_to_render(form),
        "is_sent": is_sent,
        "is_next": not is_sent and _is_volume_next(form),
        "blank_row": MetadataRow("__N__"),
        "find": find,
        "server": server,
        "offers": offers,
        "has_volumes": offers.total or form.volume or form.usable.exists(),
        "remembered": None if is_sent else _remembered(request),
        **volume_context(request, form),
    }
    if not context["has_volumes"]:
        context |= {"reading": first_reading_state(), "page_address": request.path}
    return render(request, "snapshots/new.html", context)


def _is_volume_next(form: SnapshotForm) -> bool:
    """Whether choosing the volume is what the person does first."""
    is_begun = "ticket" not in form.fields or bool(form["ticket"].value())
    return is_begun and form.volume is None and not form.problems


def _key_to_render(form: SnapshotForm) -> Any:
    """The form keeps its number through corrections; a broken or taken one is replaced."""
    is_broken = form.is_bound and "key" in form.errors
    return new_key() if is_broken else form["key"].value() or new_key()
