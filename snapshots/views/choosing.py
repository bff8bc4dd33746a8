"""Choosing the volume of a new snapshot: what is offered, and what is known of the chosen one."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from snapshots.forms import SnapshotForm, read_rows
from snapshots.forms.request import Consent
from snapshots.forms.snapshot import group_title
from snapshots.models import OperationKind
from snapshots.models.directions import isolated
from snapshots.operations.foresight import facts_of, sentences_of
from snapshots.operations.names import suggested_name
from snapshots.rights.visible import operations_visible_to
from snapshots.selectors.clouds import quotas_of
from snapshots.selectors.operations import (
    operations_matching,
    operations_page,
    typical_seconds,
)
from snapshots.selectors.picker import offers_among
from snapshots.selectors.preferences import viewer
from snapshots.views.access import PortalRequest, for_requesters

CHOSEN = frozenset({"id_volume_id", "id_force"})  # what is wrong with them stands beside them


@for_requesters
@require_safe
def offers(request: PortalRequest) -> HttpResponse:
    """The volumes that match what is typed, as options of the list below the search field."""
    find, server = sought_in(request.GET)
    form = SnapshotForm(requester=request.user)
    matching = offers_among(form.usable, request.user, text=find, server=server)
    titled = [(group_title(group), group) for group in matching.groups]
    names = {group.server: group.name for group in matching.groups}
    context = {
        "offers": matching,
        "titled": titled,
        "server": "" if find else isolated(names.get(server) or server),
    }
    return render(request, "snapshots/_offers.html", context)


def sought_in(query: QueryDict) -> tuple[str, str]:
    """What is typed, and the server that a link names. PostgreSQL takes no NUL, and SQLite no
    pattern of any length.
    """
    find, server = (query.get(name, "").replace("\0", "")[:255] for name in ("find", "server"))
    return find, server


@for_requesters
@require_safe
def volume_facts(request: PortalRequest) -> HttpResponse:
    """What is known of the chosen volume, and the box it may need. Its box is always blank:
    consent is given for one volume, not for the next one chosen.
    """
    form = SnapshotForm(
        initial={name: request.GET.get(name, "") for name in ("volume_id", "ticket")},
        requester=request.user,
    )
    context = {"form": form, **volume_context(request, form)}
    return render(request, "snapshots/_volume_facts.html", context)


@for_requesters
@require_POST
def check(request: PortalRequest) -> HttpResponse:
    """What is wrong with what was typed so far. Nothing is asked; what is blank is not missed."""
    form = SnapshotForm(request.POST, requester=request.user, rows=read_rows(request.POST))
    form.is_valid()
    typed = {f"id_{name}" for name, text in request.POST.items() if text} - CHOSEN
    problems = [(anchor, text) for anchor, text in form.problems if anchor in typed]
    return render(request, "snapshots/_checked.html", {"form": form, "checked": problems})


def volume_context(request: PortalRequest, form: SnapshotForm) -> dict[str, Any]:
    """What the page says of the chosen volume."""
    volume = form.volume
    if volume is None:
        return {"volume": None}
    quotas = quotas_of([volume.cloud])
    agrees = form["force"].value() in Consent.YES
    facts = facts_of(volume, quotas, agrees=agrees)
    mine = operations_visible_to(request.user).filter(cloud=volume.cloud)
    return {
        "volume": volume,
        "quotas": quotas,
        "foreseen": sentences_of(facts),
        "manual": facts.manual,
        "latest": operations_page(
            operations_matching(mine, volume_id=volume.volume_id), size=3
        ).rows,
        "suggestion": suggestion_for(request, form),
        "usual_seconds": typical_seconds(volume.cloud, OperationKind.CREATE),
    }


def suggestion_for(request: PortalRequest, form: SnapshotForm) -> str:
    """The name that the settings give a snapshot of the chosen volume."""
    if form.volume is None:
        return ""
    ticket = str(form["ticket"].value() or "") if "ticket" in form.fields else ""
    person = request.user.get_username()
    return suggested_name(
        form.volume, now=timezone.now(), zone=viewer().zone, ticket=ticket, person=person
    )
