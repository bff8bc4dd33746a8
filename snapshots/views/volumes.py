"""The volumes a person may see, and what is left of the quotas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from snapshots.duties.looks import ask_for_look
from snapshots.forms import VolumeFilterForm
from snapshots.models import CloudHealth, Maker, Operation, Snapshot, Volume
from snapshots.models.versions import CLOUDS, GRANTS, topic_of_volume
from snapshots.rights.grants import grants_covering
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import (
    all_volumes_visible_to,
    may_use,
    snapshots_visible_to,
    usable_among,
    volumes_visible_to,
)
from snapshots.selectors.clouds import inventory_state, quotas_of
from snapshots.selectors.grants import names_in
from snapshots.selectors.operations import open_operations, visible_among
from snapshots.selectors.readings import first_reading_state
from snapshots.selectors.volumes import (
    volumes_matching,
    volumes_page,
)
from snapshots.step_up import current_page
from snapshots.templatetags.live import Live, Pace, pace_of
from snapshots.templatetags.table import Sorting
from snapshots.views.access import PortalRequest, polled, with_a_role
from snapshots.views.live import live_answer

MOST_SNAPSHOTS = 100  # on the page of a volume
MOST_REQUESTS = 20
MOST_GRANTS = 50


@with_a_role
@require_safe
def volumes(request: PortalRequest) -> HttpResponse:
    form = VolumeFilterForm(request.GET)
    matching = volumes_matching(volumes_visible_to(request.user), text=form.text())
    page = volumes_page(matching, sort=form.order(), after=request.GET.get("after", ""))
    clouds = sorted({volume.cloud for volume in page.rows})
    context = {
        "form": form,
        "text": form.text(),
        "page": page,
        "sorting": Sorting(form.order(), request.GET),
        "usable": usable_among(page.rows, request.user),
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
        "grant_names": names_in(rows),
        "has_more_grants": len(rows) > MOST_GRANTS,
    }


@polled
@with_a_role
@require_safe
def volume_state(request: PortalRequest, cloud: str, volume_id: str) -> HttpResponse:
    """What has changed on a volume's page."""

    def context() -> dict[str, Any]:
        row = all_volumes_visible_to(request.user).filter(cloud=cloud, volume_id=volume_id).first()
        health = CloudHealth.objects.filter(cloud=cloud).first()
        return _page_context(request, VolumePage(cloud, volume_id, row, health))

    topics = (topic_of_volume(cloud, volume_id), CLOUDS, GRANTS)
    return live_answer(request, "snapshots/_volume_state.html", topics, context)


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
        "live": Live(reverse("snapshots:volume_state", kwargs=columns), _pace(volume, unfinished)),
        "checked_at": timezone.now(),
    }


def _moments(volume: Volume | None, health: CloudHealth | None) -> list[datetime]:
    """When all snapshots of the volume were read last: alone, or with the whole list."""
    moments = [row.snapshots_read_at for row in (volume, health) if row is not None]
    return [moment for moment in moments if moment is not None]


def _pace(volume: Volume | None, unfinished: Sequence[Operation]) -> Pace:
    """Often until the volume is read; less often when no worker does it."""
    if volume is None or volume.look_asked_at is None:
        return pace_of(unfinished)
    return Pace(volume.look_asked_at)
