"""Making and changing people, for administrators: who they are, their rights, whether they may come
in, and the one-time password with which they do so first.
"""

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from snapshots.forms.person import NewPersonForm, OneTimePasswordForm, PersonForm
from snapshots.models import Operation, Role
from snapshots.models.directions import isolated
from snapshots.operations.people import (
    LAST_ADMINISTRATOR_REFUSAL,
    OWN_RIGHTS_REFUSAL,
    LastAdministratorError,
    PersonChange,
    give_one_time_password,
    record_refused_change,
    store_people,
)
from snapshots.rights.visible import people_visible_to
from snapshots.sign_in.open_sessions import sessions_of
from snapshots.sso.people import is_of_provider
from snapshots.views.access import PortalRequest, for_administrators
from snapshots.views.grants import tell_of_withdrawn
from snapshots.views.people import visible_person, waiting_of
from snapshots.views.step_up import with_recent_proof

LET_IN, SHUT_OUT = "let-in", "shut-out"


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def new(request: PortalRequest) -> HttpResponse:
    form = NewPersonForm(request.POST or None, by=request.user)
    if form.is_valid() and _store(request, form.change(), form) is not None:
        person = User.objects.get(username=form.cleaned_data["username"])
        name = isolated(person.get_username())
        messages.success(request, _("{name} was added.").format(name=name))
        return redirect("snapshots:person", person.pk)
    return render(request, "snapshots/person_form.html", {"form": form})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def change(request: PortalRequest, person_id: int) -> HttpResponse:
    who = visible_person(request, person_id)
    name = who.get_username()
    form = PersonForm(request.POST or None, instance=who, by=request.user)
    if form.tries_own_rights:
        record_refused_change(name, str(OWN_RIGHTS_REFUSAL))
    if form.is_valid():
        withdrawn = _store(request, form.change(), form)
        if withdrawn is not None:
            messages.success(request, _("Saved."))
            tell_of_withdrawn(request, withdrawn)
            return redirect("snapshots:person", person_id)
    context = {"form": form, "who": who, "name": name, "is_of_provider": is_of_provider(who)}
    return render(request, "snapshots/person_form.html", context | waiting_of(who))


def _store(
    request: PortalRequest, planned: PersonChange, form: forms.BaseForm
) -> list[Operation] | None:
    """What was cancelled by it; None: it was refused, and the form says why."""
    try:
        return store_people([planned], people_visible_to(request.user))
    except LastAdministratorError:
        record_refused_change(request.user.get_username(), str(LAST_ADMINISTRATOR_REFUSAL))
        form.add_error(None, LAST_ADMINISTRATOR_REFUSAL)
    except (ValidationError, IntegrityError):
        form.add_error(None, _("Somebody else changed people at this moment. Send it again."))
    return None


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def access(request: PortalRequest, person_id: int) -> HttpResponse:
    """Shows what waits and which sessions are open, and ends both when that is confirmed."""
    who = visible_person(request, person_id)
    form = forms.Form(request.POST or None)  # nothing to type; it says why it was refused
    if request.method == "POST" and request.POST.get("do") in {LET_IN, SHUT_OUT}:
        withdrawn = _set_access(request, who, form)
        if withdrawn is not None:
            _tell_of_access(request, who)
            tell_of_withdrawn(request, withdrawn)
            return redirect("snapshots:person", person_id)
    context = {
        "form": form,
        "who": who,
        "is_own": who == request.user,
        "sessions": len(sessions_of(who)),
        "roles": [str(role.label) for role in Role if role in _group_names(who)],
    }
    return render(request, "snapshots/person_access.html", context | waiting_of(who))


def _set_access(request: PortalRequest, who: User, form: forms.BaseForm) -> list[Operation] | None:
    is_let_in = request.POST["do"] == LET_IN
    if who == request.user:
        record_refused_change(who.get_username(), str(OWN_RIGHTS_REFUSAL))
        form.add_error(None, OWN_RIGHTS_REFUSAL)
        return None
    if who.is_active == is_let_in:  # somebody else did it, or the button was pressed twice
        return []
    return _store(request, PersonChange(who.pk, {"is_active": is_let_in}, None), form)


def _tell_of_access(request: PortalRequest, who: User) -> None:
    is_let_in = request.POST["do"] == LET_IN
    text = _("{name} may sign in again.") if is_let_in else _("{name} is shut out.")
    messages.success(request, text.format(name=isolated(who.get_username())))


def _group_names(who: User) -> set[str]:
    return set(who.groups.values_list("name", flat=True))


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def password(request: PortalRequest, person_id: int) -> HttpResponse:
    """Of somebody else who has a password here; the own one is changed by giving the old one."""
    who = visible_person(request, person_id)
    if who == request.user:
        return redirect("password_change")
    if is_of_provider(who):
        raise Http404
    form = OneTimePasswordForm(request.POST or None, person=who)
    if form.is_valid():
        give_one_time_password(who.pk, form.cleaned_data["one_time_password"])
        text = _("{name} has a one-time password. Tell it to them within 72 hours.")
        messages.success(request, text.format(name=isolated(who.get_username())))
        return redirect("snapshots:person", person_id)
    return render(request, "snapshots/person_password.html", {"form": form, "who": who})
