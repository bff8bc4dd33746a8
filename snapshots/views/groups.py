"""Groups, for administrators: teams that share volumes and may have rights of their own. The four
roles are groups too, and stay as they are.
"""

from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from snapshots.forms import SearchForm
from snapshots.forms.person import GroupForm
from snapshots.models import Role
from snapshots.models.directions import isolated
from snapshots.operations.people import (
    OWN_RIGHTS_REFUSAL,
    record_refused_change,
    store_group,
)
from snapshots.rights.visible import people_visible_to
from snapshots.selectors.grants import groups_page
from snapshots.views.access import PortalRequest, for_administrators
from snapshots.views.grants import tell_of_withdrawn
from snapshots.views.step_up import with_recent_proof


@for_administrators
@require_safe
def groups(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    page = groups_page(
        people_visible_to(request.user), text=form.text(), after=request.GET.get("after", "")
    )
    context = {
        "form": form,
        "text": form.text(),
        "page": page,
        "is_first": "after" not in request.GET,
    }
    return render(request, "snapshots/groups.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def new(request: PortalRequest) -> HttpResponse:
    return _form_page(request, Group())


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def change(request: PortalRequest, group_id: int) -> HttpResponse:
    group = Group.objects.exclude(name__in=Role.values).filter(pk=group_id).first()
    if group is None:
        raise Http404
    return _form_page(request, group)


def _form_page(request: PortalRequest, group: Group) -> HttpResponse:
    name, is_new = group.name, group.pk is None
    form = GroupForm(request.POST or None, instance=group, by=request.user)
    form.full_clean()
    if form.tries_own_rights:
        record_refused_change(request.user.get_username(), str(OWN_RIGHTS_REFUSAL))
    if form.is_valid():
        try:
            withdrawn = store_group(group, form.cleaned_data["permissions"])
        except (ValidationError, IntegrityError):
            form.add_error(None, _("Somebody else changed groups at this moment. Send it again."))
        else:
            text = _("The group {name} was added.") if is_new else _("The group {name} was saved.")
            messages.success(request, text.format(name=isolated(group.name)))
            tell_of_withdrawn(request, withdrawn)
            return redirect("snapshots:groups")
    context = {"form": form, "name": name, "is_new": is_new}
    return render(request, "snapshots/group_form.html", context)
