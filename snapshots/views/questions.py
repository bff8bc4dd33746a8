"""The auditors' questions: how many rows each finds, when, and which."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from snapshots.audit.record.actions import record as record_action
from snapshots.forms import PeriodForm
from snapshots.models import ActionCode, Operation, Snapshot
from snapshots.questions.export import FORMATS, lines_of
from snapshots.questions.figures import (
    Figures,
    Period,
    count_in,
    count_text,
    figures_of,
    rows_found,
)
from snapshots.questions.rules import SNAPSHOTS, Question, meaning_of, subject_of
from snapshots.selectors.operations import operations_page
from snapshots.selectors.pages import Page
from snapshots.selectors.snapshots import snapshots_page
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.downloads import download
from snapshots.views.plot import plot_of

LONGEST_CURSOR = 100


@for_auditors
@require_safe
def questions(request: PortalRequest) -> HttpResponse:
    """Every question with its figures."""
    record_action(ActionCode.AUDIT_ASKED, details={"question": "all, in figures"})
    context = {"answers": [_answer(figures) for figures in figures_of(list(Question))]}
    return render(request, "snapshots/questions.html", context)


@for_auditors
@require_safe
def question(request: PortalRequest, name: str) -> HttpResponse:
    """What one question finds, newest first."""
    asked = _question(name)
    form = PeriodForm(request.GET)
    before = request.GET.get("before", "")[:LONGEST_CURSOR]
    _record(ActionCode.AUDIT_ASKED, request, asked, before=before)
    (figures,) = figures_of([asked])
    context: dict[str, Any] = {"form": form, "asked": asked, "answer": _answer(figures)}
    period = _period(form)
    if period is not None:
        count = count_in(asked, period) if period else figures.in_all
        context["page"] = _page(request.user, asked, period, before=before)
        context["narrowed"] = bool(period)
        context["count"], context["count_text"] = count, count_text(count)
    return render(request, "snapshots/question.html", context)


@for_auditors
@require_safe
@download
def export(request: PortalRequest, name: str) -> HttpResponse | StreamingHttpResponse:
    """All that the question finds in the period, as a file."""
    asked = _question(name)
    file_format = request.GET.get("format", "csv")
    if file_format not in FORMATS:
        raise Http404
    period = _period(PeriodForm(request.GET))
    if period is None:  # the page says why
        address = reverse("snapshots:question", args=[asked])
        return redirect(f"{address}?{request.GET.urlencode()}")
    _record(ActionCode.AUDIT_EXPORTED, request, asked, format=file_format)
    rows = rows_found(request.user, asked, period)
    lines = lines_of(rows, question=asked, file_format=file_format)
    response = StreamingHttpResponse(lines, content_type=FORMATS[file_format])
    stamp = f"{timezone.now():%Y%m%d-%H%M%S}"
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{asked}-{stamp}.{file_format}"'
    )
    return response


def _page(
    user: User, asked: Question, period: Period, *, before: str
) -> Page[Operation] | Page[Snapshot]:
    rows = rows_found(user, asked, period)
    if subject_of(asked) is SNAPSHOTS:
        return snapshots_page(rows, after=before)
    return operations_page(rows, before=before)


def _question(name: str) -> Question:
    try:
        return Question(name)
    except ValueError:
        raise Http404 from None


def _period(form: PeriodForm) -> Period | None:
    """None where the days are not valid: all requests would read as the answer."""
    if not form.is_valid():
        return None
    return Period(form.cleaned_data["since"], form.cleaned_data["until"])


def _record(code: ActionCode, request: HttpRequest, asked: Question, **facts: str) -> None:
    """Before anything is shown. The days are recorded as they were typed."""
    days = {name: request.GET.get(name, "")[:40] for name in ("since", "until")}
    details = {"question": str(asked.label), **days, **facts}
    record_action(
        code, subject=str(asked), details={name: text for name, text in details.items() if text}
    )


def _answer(figures: Figures) -> dict[str, Any]:
    """A question with its meaning, its figures as texts, and its plot."""
    return {
        "subject": subject_of(figures.question),
        "question": figures.question,
        "meaning": meaning_of(figures.question),
        "recent": count_text(figures.recent),
        "in_all": count_text(figures.in_all),
        "plot": plot_of(figures.weeks),
    }
