"""Asking for the same of several snapshots: the page that confirms it, and what becomes of it."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from snapshots.forms import ROW_BUTTONS, MetadataRow, new_key, rows_after_button
from snapshots.forms.batch import BATCH_FORMS, MOST_SNAPSHOTS, BatchForm, selection_of
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.localized import sentences
from snapshots.models import Operation, OperationKind
from snapshots.models.ids import is_uuid
from snapshots.models.versions import OPERATIONS, SNAPSHOTS, topic_of_person
from snapshots.operations.asking import OperationArguments
from snapshots.operations.batches import ask_for_batch, batch_id
from snapshots.operations.refusals import NotAllowedError
from snapshots.rights.policy import Right, may
from snapshots.selectors import batches as selectors
from snapshots.templatetags.live import Live, pace_of
from snapshots.views.access import PortalRequest, for_requesters, polled, with_a_role
from snapshots.views.live import live_answer

_FOR_ALL = ("on_behalf_of", "ticket", "reason")

# --- confirming ------------------------------------------------------------------------------


@for_requesters
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PortalRequest) -> HttpResponse:
    """Shows what would happen to each chosen snapshot; confirmed, it becomes operations."""
    data = request.POST if request.method == "POST" else request.GET
    kind = _kind_of(data.get("kind", ""))
    texts = list(dict.fromkeys(data.getlist("snapshot")))
    if not texts:
        messages.error(request, _("Tick at least one snapshot. Nothing was asked."))
        return redirect("snapshots:snapshots")
    if len(texts) > MOST_SNAPSHOTS:
        text = _("These are {count} snapshots; at most {most} can be changed at once.")
        refusal = text.format(count=len(texts), most=MOST_SNAPSHOTS)
        messages.error(request, sentences([str(refusal), _("Nothing was asked.")]))
        return redirect("snapshots:snapshots")
    is_sent = request.method == "POST" and "key" in data
    if is_sent and (batch := _batch_of(request)):
        messages.info(request, _("This form was already sent; this is what it asked for."))
        return redirect("snapshots:batch", batch)
    seen = data.getlist("seen") if is_sent else None
    content: dict[str, Any] = {"selection": selection_of(texts, seen, kind, request.user)}
    form = BATCH_FORMS[kind]
    if issubclass(form, FormWithMetadata):
        content["rows"] = rows_after_button(data)
    if not is_sent:
        content["initial"] = {"key": new_key()}
    elif any(name in data for name in ROW_BUTTONS):
        content["initial"] = {name: str(data[name]) for name in data}
    else:
        return _ask(request, kind, partial(form, data, requester=request.user, **content))
    return _page(request, kind, form(requester=request.user, **content))


def _kind_of(text: str) -> OperationKind:
    """Raises `Http404` for a kind that cannot be asked for several snapshots."""
    if text not in OperationKind.values or OperationKind(text) not in BATCH_FORMS:
        raise Http404
    return OperationKind(text)


def _batch_of(request: PortalRequest) -> uuid.UUID | None:
    """What the form asked for when it was sent before."""
    key = request.POST["key"]
    if not is_uuid(key):
        return None
    batch = batch_id(uuid.UUID(key), request.user)
    return batch if Operation.objects.filter(batch=batch).exists() else None


def _ask(
    request: PortalRequest, kind: OperationKind, new_form: Callable[[], BatchForm]
) -> HttpResponse:
    form = new_form()
    if not form.is_valid():
        return _page(request, kind, form)
    batch = batch_id(form.cleaned_data["key"], request.user)
    requests = _requests(kind, form, batch)
    try:
        ask_for_batch(requester=request.user, requests=requests)
    except NotAllowedError as error:
        form = new_form()  # it may ask for more by now
        form.add_error(None, sentences([str(error), _("Nothing was asked for any of them.")]))
        return _page(request, kind, form)
    recorded = ngettext(
        "{count} request is recorded. You may close this page; the portal carries on.",
        "{count} requests are recorded. You may close this page; the portal carries on.",
        len(requests),
    )
    messages.success(request, recorded.format(count=len(requests)))
    if same := len(form.selection.confirmed) - len(requests):
        text = ngettext(
            "{count} snapshot had this metadata already: nothing was asked for it.",
            "{count} snapshots had this metadata already: nothing was asked for them.",
            same,
        )
        messages.info(request, text.format(count=same))
    return redirect("snapshots:batch", batch)


def _requests(kind: OperationKind, form: BatchForm, batch: uuid.UUID) -> list[OperationArguments]:
    """One for each confirmed snapshot that it changes."""
    cleaned = form.cleaned_data
    common: dict[str, Any] = {name: cleaned[name] for name in _FOR_ALL if name in cleaned}
    common["called_no_secret"] = form.seems_secret and cleaned["no_secret"]
    requests = []
    for choice in form.selection.confirmed:
        if choice.snapshot is None or choice.volume is None:
            continue
        own = form.arguments_for(choice.snapshot)
        if own is not None:
            request = OperationArguments(
                kind=kind,
                batch=batch,
                volume=choice.volume,
                target_snapshot=choice.snapshot,
                **common,
                **own,
            )
            requests.append(request)
    return requests


def _page(request: PortalRequest, kind: OperationKind, form: BatchForm) -> HttpResponse:
    key = str(form["key"].value())
    context: dict[str, Any] = {
        "form": form,
        "key": key if is_uuid(key) else new_key(),
        "kind": kind.value,
        "selection": form.selection,
        "blank_row": MetadataRow("__N__"),
    }
    return render(request, "snapshots/batch.html", context)


# --- what becomes of it ----------------------------------------------------------------------


@with_a_role
@require_safe
def batch(request: PortalRequest, batch_id: uuid.UUID) -> HttpResponse:
    return render(request, "snapshots/batch_requests.html", _context(request, batch_id))


@polled
@with_a_role
@require_safe
def rows(request: PortalRequest, batch_id: uuid.UUID) -> HttpResponse:
    """What has changed of them."""
    own = topic_of_person(request.user.pk)
    topics = (OPERATIONS if may(request.user, Right.SEE_ALL) else own, SNAPSHOTS)
    return live_answer(
        request, "snapshots/_batch_rows.html", topics, lambda: _context(request, batch_id)
    )


def _context(request: PortalRequest, batch_id: uuid.UUID) -> dict[str, Any]:
    operations = list(selectors.operations_of_batch(batch_id, request.user))
    if not operations:
        raise Http404
    counts = selectors.counts_of(operations)
    first = operations[0]
    return {
        "batch_id": batch_id,
        "title": BATCH_FORMS[OperationKind(first.kind)].title,
        "first": first,
        "operations": operations,
        "counts": {name: counts[name] for name in selectors.GROUPS},
        "live": Live(reverse("snapshots:batch_rows", args=[batch_id]), pace_of(operations)),
        "checked_at": timezone.now(),
    }
