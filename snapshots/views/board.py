"""Home by role: what is mine, or the board of everything; and how the portal and its clouds are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from snapshots.models import Operation, Volume
from snapshots.models.versions import CLOUDS, GRANTS, OPERATIONS, topic_of_person, topic_of_volume
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import volumes_usable_by
from snapshots.selectors import board
from snapshots.selectors.hanging import hanging_operations
from snapshots.selectors.operations import operations_list
from snapshots.selectors.portal import portal_state
from snapshots.selectors.seals import push_states, seal_state
from snapshots.selectors.volumes import volumes_page
from snapshots.templatetags.live import Live, Pace, pace_of
from snapshots.views.access import PortalRequest, polled, signed_in, with_a_role
from snapshots.views.charts import board_charts
from snapshots.views.live import live_answer
from snapshots.views.operations import lines_of

COURSE_SECONDS = 60
MOST_DISKS = 6
MOST_RECENT = 8


# --- home ------------------------------------------------------------------------------------


@signed_in
@require_safe
def home(request: PortalRequest) -> HttpResponse:
    """By role. The list of requests was here once: kept addresses of it lead there."""
    if request.GET:
        return redirect(f"{reverse('snapshots:requests')}?{request.GET.urlencode()}")
    if may(request.user, Right.SEE_ALL):
        context = _board_context(request) | {"course": _course()}
        return render(request, "snapshots/board.html", context)
    if not may(request.user, Right.SEE_LISTS):
        return render(request, "snapshots/own.html")
    return render(request, "snapshots/own.html", _own_context(request))


@dataclass(frozen=True, slots=True)
class _Course:
    """The plots as the page has them, and when their rows were counted."""

    markup: str
    counted_at: datetime


def _course() -> _Course:
    """Counted at most once in `COURSE_SECONDS` by each process: the last minute changes no plot of
    thirty days, and drawing them takes longer than all the rest of the board.
    """
    key = f"course-{get_language()}"
    course: _Course | None = cache.get(key)
    if course is None:
        now = timezone.now()
        charts = {"charts": board_charts(now=now)}
        course = _Course(render_to_string("snapshots/_charts.html", charts), now)
        cache.set(key, course, COURSE_SECONDS)
    return course


@polled
@with_a_role
@require_safe
def home_rows(request: PortalRequest) -> HttpResponse:
    """What has changed at home."""
    if may(request.user, Right.SEE_ALL):
        topics = (OPERATIONS, CLOUDS)
        return live_answer(
            request, "snapshots/_board.html", topics, lambda: _board_context(request)
        )
    # Only which disks: what the page says of them is read after the numbers of these topics.
    disks = _disks(request, operations_list(request.user).rows)["disks"]
    volumes = (topic_of_volume(disk.cloud, disk.volume_id) for disk in disks)
    own = (topic_of_person(request.user.pk), GRANTS, CLOUDS, *volumes)
    return live_answer(request, "snapshots/_own.html", own, lambda: _own_context(request))


def _own_context(request: PortalRequest) -> dict[str, Any]:
    rows = operations_list(request.user).rows
    now = operations_list(request.user, state="open").rows
    recent = [row for row in rows if row.is_final][:MOST_RECENT]
    return _disks(request, rows) | {
        "now": lines_of(now),
        "recent": lines_of(recent),
        "live": Live(reverse("snapshots:home_rows"), pace_of(now)),
        "checked_at": timezone.now(),
    }


def _disks(request: PortalRequest, rows: Sequence[Operation]) -> dict[str, Any]:
    """The volumes that the person asked for last, then others by name."""
    usable = volumes_usable_by(request.user)
    asked = list(dict.fromkeys((row.cloud, row.volume_id) for row in rows))
    asked_volumes = {
        (volume.cloud, volume.volume_id): volume
        for volume in usable.filter(volume_id__in=[volume_id for _cloud, volume_id in asked])
    }
    disks: list[Volume] = [asked_volumes[key] for key in asked if key in asked_volumes]
    shown_ids = {volume.pk for volume in disks}
    page = volumes_page(usable, size=MOST_DISKS)
    disks += [volume for volume in page.rows if volume.pk not in shown_ids]
    more = bool(page.next) or len(disks) > MOST_DISKS
    disks = disks[:MOST_DISKS]
    return {
        "disks": disks,
        "usable": {volume.pk for volume in disks},
        "several_clouds": len({volume.cloud for volume in disks}) > 1,
        "more_disks": more,
    }


def _board_context(request: PortalRequest) -> dict[str, Any]:
    now = timezone.now()
    running = board.running()
    return _parts_context() | {
        "states": board.running_by_state(),
        "ended": board.ended_by_state(now=now),
        "running": lines_of(running),
        "hanging": hanging_operations() if may(request.user, Right.END_HANGING) else [],
        "unclear": board.unclear(),
        "came_to_nothing": board.came_to_nothing(now=now),
        "live": Live(reverse("snapshots:home_rows"), pace_of(running)),
        "checked_at": now,
    }


# --- the status page -------------------------------------------------------------------------


@signed_in
@require_safe
def portal_status(request: PortalRequest) -> HttpResponse:
    """The short form for everybody; more for those who see everybody's requests."""
    return render(request, "snapshots/portal_status.html", _status_context(request))


@polled
@signed_in
@require_safe
def portal_status_rows(request: PortalRequest) -> HttpResponse:
    """What has changed of it."""
    fragment = "snapshots/_portal_status.html"
    return live_answer(request, fragment, (CLOUDS,), lambda: _status_context(request))


def _status_context(request: PortalRequest) -> dict[str, Any]:
    is_full = may(request.user, Right.SEE_ALL)
    context = _parts_context() if is_full else _short_context()
    troubles = [facts.failing_since for facts in context["clouds"] if facts.failing_since]
    return context | {
        "is_full": is_full,
        "all_works": context["portal"].worker_alive and not troubles,
        "live": Live(reverse("snapshots:portal_status_rows"), Pace(max(troubles, default=None))),
        "checked_at": timezone.now(),
    }


def _short_context() -> dict[str, Any]:
    now = timezone.now()
    portal = portal_state(now=now)
    return {"portal": portal, "clouds": board.cloud_facts(portal, now=now)}


def _parts_context() -> dict[str, Any]:
    """The clouds, and the portal's own parts."""
    return _short_context() | {
        "workers": board.workers(now=timezone.now()),
        "seal": seal_state(),
        "pushed": push_states(),
        "duties": board.troubled_duties(),
    }
