"""The people of the portal, for administrators: who they are, and what they may use and why."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snapshots.forms.people import PeopleFilterForm
from snapshots.models import Role
from snapshots.operations.withdrawing import waiting_requests
from snapshots.rights.grants import grants_of
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import people_visible_to, volumes_usable_by
from snapshots.selectors.grants import grants_page, names_in, people_matching, people_page
from snapshots.sign_in.open_sessions import sessions_of
from snapshots.sso.people import is_of_provider
from snapshots.views.access import PortalRequest, for_administrators

MOST_WAITING = 10


@for_administrators
@require_safe
def people(request: PortalRequest) -> HttpResponse:
    form = PeopleFilterForm(request.GET)
    filtered = form.filtered()
    page = people_page(
        people_matching(people_visible_to(request.user), **filtered),
        after=request.GET.get("after", ""),
    )
    context = {
        "form": form,
        "filtered": any(filtered.values()),
        "page": page,
        "is_first": "after" not in request.GET,
    }
    return render(request, "snapshots/people.html", context)


@for_administrators
@require_safe
def person(request: PortalRequest, person_id: int) -> HttpResponse:
    who = visible_person(request, person_id)
    grants = grants_of(who).select_related("user", "group")
    page = grants_page(grants, after=request.GET.get("after", ""))
    names = Group.objects.filter(user=who).order_by("name").values_list("name", flat=True)
    context = {
        "who": who,
        "roles": [Role(name).label for name in names if name in Role.values],
        "groups": [name for name in names if name not in Role.values],
        "uses_all": may(who, Right.REQUEST_FOR_OTHERS),
        "asks": may(who, Right.REQUEST),
        "usable": volumes_usable_by(who).count(),
        "page": page,
        "names": names_in(page.rows),
        "sessions": len(sessions_of(who)),
        "is_own": who == request.user,
        "has_password_here": not is_of_provider(who),
        "is_first": "after" not in request.GET,
    }
    return render(request, "snapshots/person.html", context | waiting_of(who))


def visible_person(request: PortalRequest, person_id: int) -> User:
    """Raises `Http404`."""
    who = people_visible_to(request.user).filter(pk=person_id).first()
    if who is None:
        raise Http404
    return who


def waiting_of(who: User) -> dict[str, Any]:
    """What a page shows of the requests of a person that were not sent yet."""
    waiting = waiting_requests([who])
    oldest = list(waiting[:MOST_WAITING])
    return {
        "waiting": oldest,
        "linked": {row.pk for row in oldest},
        "count": waiting.count(),
    }
