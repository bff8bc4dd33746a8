"""The volumes a person may see, and what is left of the quotas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from snapshots.duties.looks import ask_for_look
from snapshots.forms import SearchForm
from snapshots.models import CloudHealth, Maker, Operation, Snapshot, Volume
from snapshots.rights.grants import grants_covering
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import (
    all_volumes_visible_to,
    may_use,
    snapshots_visible_to,
    volumes_usable_by,
    volumes_visible_to,
)
from snapshots.selectors.clouds import inventory_state, quotas_of
from snapshots.selectors.grants import volume_names
from snapshots.selectors.operations import open_operations, poll_seconds, visible_among
from snapshots.selectors.readings import first_reading_state
from snapshots.selectors.volumes import (
    volumes_matching,
    volumes_page,
)
from snapshots.step_up import current_page
from snapshots.views.access import PortalRequest, polled, with_a_role

MOST_SNAPSHOTS = 100  # on the page of a volume
MOST_REQUESTS = 20
MOST_GRANTS = 50
LOOK_IS_LATE = timedelta(seconds=30)


@with_a_role
@require_safe
def volumes(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    visible = volumes_visible_to(request.user)
    page = volumes_page(
        volumes_matching(visible, text=form.text()), after=request.GET.get("after", "")
    )
    usable = volumes_usable_by(request.user)
    of_page = usable.filter(pk__in=[volume.pk for volume in page.rows])
    clouds = sorted({volume.cloud for volume in page.rows})
    context = {
        "form": form,
        "text": form.text(),
        "page": page,
        "usable": set(of_page.values_list("pk", flat=True)),
        "quotas": quotas_of(clouds),
        "several_clouds": len(clouds) > 1,
        "stale": inventory_state(),
    }
    if not page.rows and not form.text():
        context |= {"reading": first_reading_state(), "page_address": request.path}
    return render(request, "snapshots/volumes.html", context)


@polled
@with_a_role
@require_safe
def first_reading(request: PortalRequest) -> HttpResponse:
    """Polled in place of a list that is not read yet; when it is, the whole page comes again."""
    reading = first_reading_state()
    if reading.is_over:
        return HttpResponseClientRefresh()
    context = {"reading": reading, "page_address": current_page(request)}
    return render(request, "snapshots/_no_volumes.html", context)


# --- one of them -----------------------------------------------------------------------------


@with_a_role
@require_safe
def volume(request: PortalRequest, cloud: str, volume_id: str) -> HttpResponse:
    """Opening it asks the worker to read the volume, unless that was just done."""
    row = all_volumes_visible_to(request.user).filter(cloud=cloud, volume_id=volume_id).first()
    health = CloudHealth.objects.filter(cloud=cloud).first()
    if row is not None:
        ask_for_look(row)
    context = _page_context(request, VolumePage(cloud, volume_id, row, health))
    context |= _grants_context(request, row)
    context["may_take"] = row is not None and row.takes_snapshot and may_use(row, request.user)
    return render(request, "snapshots/volume.html", context)


def _grants_context(request: PortalRequest, row: Volume | None) -> dict[str, Any]:
    """Who may use the volume and why, for administrators."""
    if row is None or not may(request.user, Right.ADMINISTER):
        return {}
    covering = grants_covering(row).select_related("user", "group").order_by("-given_at", "-pk")
    rows = list(covering[: MOST_GRANTS + 1])
    return {
        "shows_grants": True,
        "grants": rows[:MOST_GRANTS],
        "grant_names": volume_names(rows),
        "has_more_grants": len(rows) > MOST_GRANTS,
    }


@polled
@with_a_role
@require_safe
def volume_state(request: PortalRequest, cloud: str, volume_id: str) -> HttpResponse:
    """The polled part of a volume's page."""
    row = all_volumes_visible_to(request.user).filter(cloud=cloud, volume_id=volume_id).first()
    health = CloudHealth.objects.filter(cloud=cloud).first()
    context = _page_context(request, VolumePage(cloud, volume_id, row, health)) | {"alone": True}
    return render(request, "snapshots/_volume_state.html", context)


@dataclass(frozen=True, slots=True)
class VolumePage:
    """What a page of a volume is about. None: not there, or not for this person."""

    cloud: str
    volume_id: str
    volume: Volume | None
    health: CloudHealth | None


def _page_context(request: PortalRequest, about: VolumePage) -> dict[str, Any]:
    """Raises `Http404` where neither the volume nor a snapshot of it is to be shown."""
    volume, health = about.volume, about.health
    columns = {"cloud": about.cloud, "volume_id": about.volume_id}
    snapshots = snapshots_visible_to(request.user).filter(**columns)
    present = snapshots.filter(gone_at__isnull=True)
    newest = list(present.order_by("-listed_at", "-pk")[: MOST_SNAPSHOTS + 1])
    has_older = len(newest) > MOST_SNAPSHOTS
    is_there = volume is not None and volume.gone_at is None
    if not newest and not is_there and not snapshots.exists():
        raise Http404
    # The limit counts the manual snapshots that this person may not see, too.
    manual = Snapshot.objects.present().filter(**columns).exclude(maker=Maker.SYSTEM).count()
    unfinished = list(open_operations(**columns)[:MOST_REQUESTS])
    names = [volume.name] if volume else [snapshot.volume_name for snapshot in newest]
    return {
        **columns,
        "volume": volume,
        "name": next(filter(None, names), about.volume_id),
        "snapshots": newest[:MOST_SNAPSHOTS][::-1],
        "has_older": has_older,
        "manual": manual,
        "quotas": quotas_of([about.cloud]),
        "unfinished": unfinished,
        "linked": visible_among(request.user, unfinished),
        "readings": [health] if health is not None and health.snapshots_held_back else [],
        "read_at": max(_moments(volume, health), default=None),
        "seconds": _poll_seconds(volume, unfinished),
        "checked_at": timezone.now(),
    }


def _moments(volume: Volume | None, health: CloudHealth | None) -> list[datetime]:
    """When all snapshots of the volume were read last: alone, or with the whole list."""
    moments = [row.snapshots_read_at for row in (volume, health) if row is not None]
    return [moment for moment in moments if moment is not None]


def _poll_seconds(volume: Volume | None, unfinished: Sequence[Operation]) -> float | None:
    """Each second until the volume is read; less often when no worker does it."""
    if volume is None or volume.look_asked_at is None:
        return poll_seconds(unfinished)
    waited = timezone.now() - volume.look_asked_at
    return 1 if waited < LOOK_IS_LATE else 10
