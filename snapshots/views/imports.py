"""People and grants as CSV, for administrators: files to keep and edit, and texts to import.

An import is checked first: what it would do stands on the page, and only then it may be done.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from snapshots.audit.record.actions import record
from snapshots.models import ActionCode
from snapshots.operations.csv_texts import MOST_ROWS
from snapshots.operations.grant_files import COLUMNS as GRANT_COLUMNS
from snapshots.operations.grant_files import GrantPlan, plan_grants, write_grants
from snapshots.operations.granting import give_grants
from snapshots.operations.people import (
    LAST_ADMINISTRATOR_REFUSAL,
    LastAdministratorError,
    record_refused_change,
    store_people,
)
from snapshots.operations.people_files import COLUMNS as PEOPLE_COLUMNS
from snapshots.operations.people_files import PeoplePlan, plan_people, write_people
from snapshots.rights.visible import grants_visible_to, people_visible_to
from snapshots.views.access import PortalRequest, for_administrators
from snapshots.views.downloads import download
from snapshots.views.grants import tell_of_withdrawn
from snapshots.views.step_up import with_recent_proof

MOST_PROBLEMS = 100


class TextForm(forms.Form):
    """The rows of a file, pasted."""

    rows = forms.CharField(
        label=gettext_lazy("Rows, with the head"),
        max_length=900_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
    )


@for_administrators
@require_safe
@download
def export_grants(request: PortalRequest) -> StreamingHttpResponse:
    record(ActionCode.GRANTS_EXPORTED)  # before the first line leaves
    return _file("grants", write_grants(grants_visible_to(request.user)))


@for_administrators
@require_safe
@download
def export_people(request: PortalRequest) -> StreamingHttpResponse:
    record(ActionCode.PEOPLE_EXPORTED)
    return _file("people", write_people(people_visible_to(request.user)))


def _file(name: str, lines: Iterator[bytes]) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def import_grants(request: PortalRequest) -> HttpResponse:
    form, plan = TextForm(request.POST or None), None
    if form.is_valid():
        people = people_visible_to(request.user)
        plan = plan_grants(form.cleaned_data["rows"], people=people, administrator=request.user)
        if plan.own_rights:
            record_refused_change(request.user.get_username(), plan.own_rights)
        typed = " ".join(request.POST.get("typed_clouds", "").split())
        is_typed = typed == ", ".join(sorted(plan.whole_clouds))
        if _is_confirmed(request, form, plan):
            if is_typed:
                given = give_grants(plan.grants)
                _tell(request, given.new, given.changed, given.unchanged)
                tell_of_withdrawn(request, given.withdrawn)
                return redirect("snapshots:grants")
            form.add_error(None, _("Type the names of the clouds to confirm."))
    clouds = ", ".join(sorted(plan.whole_clouds)) if plan else ""
    return _page(request, form, plan, {"kind": "grants", "whole_clouds": clouds})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def import_people(request: PortalRequest) -> HttpResponse:
    form, plan = TextForm(request.POST or None), None
    if form.is_valid():
        people = people_visible_to(request.user)
        plan = plan_people(form.cleaned_data["rows"], people=people, administrator=request.user)
        if plan.own_rights:
            record_refused_change(request.user.get_username(), plan.own_rights)
        if _is_confirmed(request, form, plan):
            try:
                withdrawn = store_people(plan.changes, people)
            except LastAdministratorError:
                sentence = str(LAST_ADMINISTRATOR_REFUSAL)
                record_refused_change(request.user.get_username(), sentence)
                form.add_error(None, sentence)
            except (ValidationError, IntegrityError):
                form.add_error(None, _("Something changed since the check. Check again."))
            else:
                _tell(request, plan.new, plan.changed, plan.unchanged)
                tell_of_withdrawn(request, withdrawn)
                return redirect("snapshots:people")
    return _page(request, form, plan, {"kind": "people"})


def _is_confirmed(request: PortalRequest, form: TextForm, plan: GrantPlan | PeoplePlan) -> bool:
    """Whether this very text was checked before, and nothing is wrong with it."""
    is_checked = request.POST.get("checked") == _digest(form)
    return request.POST.get("do") == "import" and is_checked and not plan.problems


def _digest(form: TextForm) -> str:
    return hashlib.sha256(form.cleaned_data["rows"].encode()).hexdigest()[:32]


def _tell(request: PortalRequest, new: int, changed: int, unchanged: int) -> None:
    text = _("Imported: {new} new, {changed} changed, {unchanged} as they were.")
    messages.success(request, text.format(new=new, changed=changed, unchanged=unchanged))


def _page(
    request: PortalRequest,
    form: TextForm,
    plan: GrantPlan | PeoplePlan | None,
    context: dict[str, Any],
) -> HttpResponse:
    problems = plan.problems if plan else []
    columns = GRANT_COLUMNS if context["kind"] == "grants" else PEOPLE_COLUMNS
    context |= {
        "form": form,
        "plan": plan,
        "problems": problems[:MOST_PROBLEMS],
        "more": max(0, len(problems) - MOST_PROBLEMS),
        "checked": _digest(form) if plan and not problems else "",
        "head": ", ".join(columns),
        "most": MOST_ROWS,
    }
    return render(request, "snapshots/import.html", context)
