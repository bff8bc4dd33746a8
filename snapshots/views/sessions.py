"""Where somebody is signed in, and ending that: for the person, and for administrators."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from snapshots.localized import figure
from snapshots.rights.visible import people_visible_to
from snapshots.sign_in.open_sessions import (
    end_all_sessions,
    end_session,
    is_of,
    sessions_of,
)
from snapshots.views.access import PortalRequest, for_administrators, signed_in
from snapshots.views.step_up import with_recent_proof

ALL = "all"  # except the session that asks


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def own(request: PortalRequest) -> HttpResponse:
    return _page(request, request.user)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def of_person(request: PortalRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(people_visible_to(request.user), pk=person_id)
    return redirect("sessions") if person == request.user else _page(request, person)


def _page(request: PortalRequest, person: User) -> HttpResponse:
    if request.method == "POST":
        _end(request, person)
        return redirect(request.path)
    opened = sessions_of(person)
    this = next((row.pk for row in opened if is_of(row, request)), "")
    context = {
        "person": person,
        "is_own": person == request.user,
        "sessions": opened,
        "this": this,
        "has_others": any(row.pk != this for row in opened),
    }
    return render(request, "registration/sessions.html", context)


def _end(request: HttpRequest, person: User) -> None:
    chosen = request.POST.get("end", "")
    if chosen == ALL:
        count = end_all_sessions(person, but=request)
        text = ngettext("Ended {count} session.", "Ended {count} sessions.", count)
        messages.success(request, text.format(count=figure(count)))
    elif opened := end_session(person, chosen):
        messages.success(request, _("Ended: {session}.").format(session=opened))
    else:
        messages.info(request, _("This session had ended already."))
