"""What the clouds hold: the list of snapshots, its file, and the page of one of them."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from evsportal.cookies import cookie_name
from snapshots.audit.record.actions import record as record_action
from snapshots.duties.looks import ask_for_look
from snapshots.forms import SnapshotFilterForm
from snapshots.forms.changes import offers_of
from snapshots.forms.secrets import recordable
from snapshots.models import (
    MARKER,
    ActionCode,
    CloudHealth,
    Operation,
    Snapshot,
    Volume,
)
from snapshots.models.versions import CLOUDS, GRANTS, SNAPSHOTS, topic_of_volume
from snapshots.operations.kinds import KINDS
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import snapshots_visible_to
from snapshots.selectors import snapshots as selectors
from snapshots.selectors.changes import hindrance_of
from snapshots.selectors.operations import visible_among
from snapshots.selectors.pages import Page
from snapshots.templatetags.live import Live, Pace, pace_of
from snapshots.templatetags.snapshots_table import CHOICES, USUAL, Shape
from snapshots.templatetags.states import snapshot_tone
from snapshots.templatetags.table import Sorting
from snapshots.views.access import PortalRequest, polled, with_a_role
from snapshots.views.downloads import download
from snapshots.views.live import live_answer
from snapshots.views.snapshot_files import FORMATS, write

_COLUMNS_COOKIE = "snapshot_columns"
_YEAR_SECONDS = 366 * 86_400
MOST_REQUESTS = 100  # on the page of a snapshot

# --- the list --------------------------------------------------------------------------------


@with_a_role
@require_safe
def snapshots(request: PortalRequest) -> HttpResponse:
    answer = render(request, "snapshots/snapshots.html", _list_context(request))
    if "columns" in request.GET:
        answer.set_cookie(
            cookie_name(_COLUMNS_COOKIE),
            ".".join(_columns(request)),
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return answer


@polled
@with_a_role
@require_safe
def rows(request: PortalRequest) -> HttpResponse:
    """What has changed in the list."""
    topics = (SNAPSHOTS, CLOUDS, GRANTS)
    return live_answer(
        request, "snapshots/_snapshot_rows.html", topics, lambda: _list_context(request)
    )


def _list_context(request: PortalRequest) -> dict[str, Any]:
    readings = selectors.readings()
    form, chosen = _form(request, readings)
    after = request.GET.get("after", "")
    page: Page[Snapshot] = Page([], None)
    matching = snapshots_visible_to(request.user).none()
    if chosen is not None:
        visible = snapshots_visible_to(request.user)
        matching = _matching(visible, chosen)
        page = selectors.snapshots_page(matching, sort=form.order(), after=after)
    is_whole = not after and page.next is None
    columns = _columns(request)
    sorting = Sorting(form.order(), request.GET)
    shape = Shape(columns, sorting, with_boxes=may(request.user, Right.REQUEST))
    address = reverse("snapshots:snapshot_rows")
    return {
        "form": form,
        "filtered": bool(chosen) or chosen is None,
        "page": page,
        "is_first": not after,
        "shape": shape,
        "choices": [(name, column.label, name in columns) for name, column in CHOICES.items()],
        "others": _pairs(request, without=("columns", "after")),
        "totals": _totals(page.rows, matching, is_whole=is_whole, is_search=_is_search(chosen)),
        "readings": readings,
        "checked_at": timezone.now(),
        "live": Live(f"{address}?{request.GET.urlencode()}", _pace_of_snapshots(page.rows)),
    }


def _matching(visible: QuerySet[Snapshot], chosen: selectors.Filter) -> QuerySet[Snapshot]:
    narrow = selectors.few_or_all if chosen.text else selectors.snapshots_matching
    return narrow(visible, chosen)


def _pace_of_snapshots(rows: Sequence[Snapshot]) -> Pace:
    """By those that the cloud is still working on."""
    moments = [row.seen_at for row in rows if snapshot_tone(row) == "working"]
    return Pace(max(moments, default=None))


def _is_search(chosen: selectors.Filter | None) -> bool:
    return chosen is not None and bool(chosen.text)


def _totals(
    rows: Sequence[Snapshot], matching: QuerySet[Snapshot], *, is_whole: bool, is_search: bool
) -> selectors.Totals | None:
    """None: left to a part of its own, since a search by words reads every snapshot once more."""
    if is_whole:
        return selectors.totals_of_rows(rows)
    return None if is_search else selectors.totals_of(matching)


@with_a_role
@require_safe
def totals(request: PortalRequest) -> HttpResponse:
    """The sums over a long list, which the page does not wait for: a part of it, or, without
    JavaScript, a page of its own.
    """
    _filled, chosen = _form(request, selectors.readings())
    visible = snapshots_visible_to(request.user)
    if chosen is None:
        raise Http404
    sums = selectors.totals_of_all(_matching(visible, chosen))
    template = "_snapshot_totals.html" if request.htmx else "snapshot_totals.html"
    return render(request, f"snapshots/{template}", {"totals": sums})


def _form(
    request: PortalRequest, readings: Sequence[CloudHealth]
) -> tuple[SnapshotFilterForm, selectors.Filter | None]:
    """The filter, and what it says; None where a field was refused."""
    form = SnapshotFilterForm(request.GET, clouds=[health.cloud for health in readings])
    return form, form.chosen()


def _columns(request: PortalRequest) -> list[str]:
    """Those chosen in the address; else those that the person chose last. The name is always
    there, so that choosing no other is possible too.
    """
    if "columns" in request.GET:
        chosen: Sequence[str] = request.GET.getlist("columns")
    elif (cookie := request.COOKIES.get(cookie_name(_COLUMNS_COOKIE))) is not None:
        chosen = cookie.split(".")
    else:
        chosen = USUAL
    return [name for name in CHOICES if name in chosen]


def _pairs(request: PortalRequest, *, without: Sequence[str]) -> list[tuple[str, str]]:
    """The rest of the page's query, for a form beside the filter."""
    return [
        (name, text)
        for name, texts in request.GET.lists()
        if name not in without
        for text in texts
        if text
    ]


@with_a_role
@require_safe
@download
def export(request: PortalRequest) -> HttpResponse | StreamingHttpResponse:
    """All that the list has, as a file."""
    file_format = request.GET.get("format", "csv")
    if file_format not in FORMATS:
        raise Http404
    form, chosen = _form(request, selectors.readings())
    if chosen is None:  # the page says why
        return redirect(f"{reverse('snapshots:snapshots')}?{request.GET.urlencode()}")
    query = request.GET.copy()
    query.pop("format", None)
    details = {"query": recordable(query.urlencode()) or "everything", "format": file_format}
    record_action(ActionCode.SNAPSHOTS_EXPORTED, details=details)
    visible = snapshots_visible_to(request.user)
    matching = selectors.snapshots_matching(visible, chosen)
    rows = selectors.in_order(matching, form.order())
    response = StreamingHttpResponse(write(rows, file_format), content_type=FORMATS[file_format])
    name = f"snapshots-{timezone.now():%Y%m%d-%H%M%S}.{file_format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- one of them -----------------------------------------------------------------------------


@with_a_role
@require_safe
def snapshot(request: PortalRequest, cloud: str, snapshot_id: str) -> HttpResponse:
    """What it is, and everything that was done to it. Its volume is read soon if that is needed."""
    visible = snapshots_visible_to(request.user).select_related("operation")
    row = get_object_or_404(visible, cloud=cloud, snapshot_id=snapshot_id)
    volume = Volume.objects.filter(cloud=cloud, volume_id=row.volume_id).first()
    if volume is not None:
        ask_for_look(volume)
    return render(request, "snapshots/snapshot.html", _page_context(request, row, volume))


@polled
@with_a_role
@require_safe
def state(request: PortalRequest, cloud: str, snapshot_id: str) -> HttpResponse:
    """What has changed on a snapshot's page."""
    visible = snapshots_visible_to(request.user).select_related("operation")
    columns = {"cloud": cloud, "snapshot_id": snapshot_id}
    volume_id = get_object_or_404(visible, **columns).volume_id
    topics = (topic_of_volume(cloud, volume_id), CLOUDS, GRANTS)

    def context() -> dict[str, Any]:
        row = get_object_or_404(visible.all(), **columns)
        volume = Volume.objects.filter(cloud=cloud, volume_id=row.volume_id).first()
        return _page_context(request, row, volume)

    return live_answer(request, "snapshots/_snapshot_state.html", topics, context)


def _page_context(request: PortalRequest, row: Snapshot, volume: Volume | None) -> dict[str, Any]:
    cloud = row.cloud
    health = CloudHealth.objects.filter(cloud=cloud).first()
    requests = list(selectors.requests_of(row)[:MOST_REQUESTS])
    linked = visible_among(request.user, requests)
    hindrance = hindrance_of(row, request.user)
    offers = [] if hindrance else offers_of(row, request.user)
    address = reverse("snapshots:snapshot_state", args=[cloud, row.snapshot_id])
    return {
        "snapshot": row,
        "checked_at": timezone.now(),
        "live": Live(address, _pace(row, volume, requests)),
        "volume": volume,
        "read_at": selectors.read_at(row, volume=volume, health=health),
        "metadata": [(key, text) for key, text in row.metadata.items() if key != MARKER],
        "requests": requests,
        "linked": linked,
        # A reason is read by those who may read the request.
        "reason": row.operation.reason if row.operation and row.operation.pk in linked else "",
        "hindrance": hindrance,
        "offers": [(offer, KINDS[offer.kind].texts) for offer in offers],
        "may_audit": may(request.user, Right.AUDIT),
        "audit_query": 'target:"{}"'.format(row.snapshot_id.replace('"', "")),
    }


def _pace(row: Snapshot, volume: Volume | None, requests: Sequence[Operation]) -> Pace:
    """Often while its volume is being read, or something is being done to it."""
    if volume is not None and volume.look_asked_at is not None:
        return Pace(volume.look_asked_at)
    of_requests = pace_of(requests)
    return of_requests if of_requests.is_open else _pace_of_snapshots([row])
