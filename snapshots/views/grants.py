"""Who may use which volumes: the list of grants for administrators, and ending one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from snapshots.forms import SearchForm
from snapshots.localized import figure, listed
from snapshots.models import Operation, VolumeGrant
from snapshots.models.directions import isolated
from snapshots.operations.granting import end_grant, holders_of
from snapshots.operations.withdrawing import waiting_requests
from snapshots.rights.visible import grants_visible_to
from snapshots.selectors.grants import ENDED, grants_matching, grants_page, names_in
from snapshots.views.access import PortalRequest, for_administrators
from snapshots.views.step_up import with_recent_proof

MOST_WAITING = 10


@for_administrators
@require_safe
def grants(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    ended = request.GET.get("state") == ENDED
    visible = grants_visible_to(request.user)
    page = grants_page(
        grants_matching(visible, text=form.text(), ended=ended),
        after=request.GET.get("after", ""),
    )
    context = {
        "form": form,
        "text": form.text(),
        "ended": ended,
        "page": page,
        "names": names_in(page.rows),
        "is_first": "after" not in request.GET,
    }
    return render(request, "snapshots/grants.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def end(request: PortalRequest, grant_id: int) -> HttpResponse:
    """Shows what waits for it, and ends it when that is confirmed."""
    grant = _grant(request, grant_id)
    if request.method == "POST":
        withdrawn = end_grant(grant)
        text = _("The grant of {holder} has ended.").format(holder=isolated(_holder(grant)))
        messages.success(request, text)
        tell_of_withdrawn(request, withdrawn)
        return redirect("snapshots:grants")
    waiting = waiting_requests(holders_of([grant]))
    oldest = list(waiting[:MOST_WAITING])
    context = {
        "grant": grant,
        "names": names_in([grant]),
        "holder": _holder(grant),
        "waiting": oldest,
        "linked": {row.pk for row in oldest},
        "count": waiting.count(),
    }
    return render(request, "snapshots/grant_end.html", context)


def tell_of_withdrawn(request: HttpRequest, withdrawn: list[Operation]) -> None:
    if not withdrawn:
        return
    first = [isolated(row.subject_name or row.volume_name) for row in withdrawn[:MOST_WAITING]]
    names = listed([*first, *["…"] * (len(withdrawn) > MOST_WAITING)])
    text = _("Cancelled before they were sent: {count} ({names}).")
    messages.warning(request, text.format(count=figure(len(withdrawn)), names=names))


def _grant(request: PortalRequest, grant_id: int) -> VolumeGrant:
    """Raises `Http404`."""
    grant = grants_visible_to(request.user).filter(pk=grant_id).first()
    if grant is None:
        raise Http404
    return grant


def _holder(grant: VolumeGrant) -> str:
    return str(grant.user or grant.group)
