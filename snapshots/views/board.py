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
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import volumes_usable_by
from snapshots.selectors import board
from snapshots.selectors.hanging import hanging_operations
from snapshots.selectors.operations import operations_list, poll_seconds
from snapshots.selectors.portal import portal_state
from snapshots.selectors.seals import push_states, seal_state
from snapshots.selectors.volumes import volumes_page
from snapshots.views.access import PortalRequest, polled, signed_in, with_a_role
from snapshots.views.charts import board_charts
from snapshots.views.operations import lines_of

SLOWEST_SECONDS = 30
BUSY_SECONDS = 5  # the board has figures of everybody: seldom is enough
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
    context = _own_context(request)
    return render(request, "snapshots/own.html", context | _disks(request, context["rows"]))


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
    """The polled part."""
    if may(request.user, Right.SEE_ALL):
        context, fragment = _board_context(request), "snapshots/_board.html"
    else:
        context, fragment = _own_context(request), "snapshots/_own.html"
    return render(request, fragment, context | {"alone": True})


def _own_context(request: PortalRequest) -> dict[str, Any]:
    rows = operations_list(request.user).rows
    now = operations_list(request.user, state="open").rows
    recent = [row for row in rows if row.is_final][:MOST_RECENT]
    return {
        "rows": rows,
        "now": lines_of(now),
        "recent": lines_of(recent),
        "seconds": poll_seconds(now) or SLOWEST_SECONDS,
        "checked_at": timezone.now(),
    }


def _disks(request: PortalRequest, rows: Sequence[Operation]) -> dict[str, Any]:
    """The volumes that the person asked for last, then others by name."""
    usable = volumes_usable_by(request.user)
    asked = list(dict.fromkeys((row.cloud, row.volume_id) for row in rows))
    found = {
        (volume.cloud, volume.volume_id): volume
        for volume in usable.filter(volume_id__in=[volume_id for _cloud, volume_id in asked])
    }
    disks: list[Volume] = [found[key] for key in asked if key in found]
    shown = {volume.pk for volume in disks}
    page = volumes_page(usable, size=MOST_DISKS)
    disks += [volume for volume in page.rows if volume.pk not in shown]
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
        "seconds": BUSY_SECONDS if running else SLOWEST_SECONDS,
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
    """The polled part."""
    context = _status_context(request) | {"alone": True}
    return render(request, "snapshots/_portal_status.html", context)


def _status_context(request: PortalRequest) -> dict[str, Any]:
    is_full = may(request.user, Right.SEE_ALL)
    context = _parts_context() if is_full else _short_context()
    troubled = any(facts.failing_since for facts in context["clouds"])
    return context | {
        "is_full": is_full,
        "all_works": context["portal"].worker_alive and not troubled,
        "seconds": BUSY_SECONDS if troubled else SLOWEST_SECONDS,
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
