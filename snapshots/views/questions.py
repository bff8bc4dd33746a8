"""What auditors ask again and again: how often it was found, when, and what."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from snapshots.audit.actions import record as record_action
from snapshots.forms import PeriodForm
from snapshots.models import ActionCode, Question
from snapshots.questions import figures as selectors
from snapshots.questions.export import FORMATS, written
from snapshots.services.questions import means
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.plot import plot_of


@for_auditors
@require_safe
def questions(request: PortalRequest) -> HttpResponse:
    """Every question with its figures."""
    record_action(ActionCode.AUDIT_ASKED, details={"question": "all, in figures"})
    told = [_told(one) for one in selectors.figures(list(Question))]
    context = {"questions": told, "unjudged": selectors.unjudged_count()}
    return render(request, "snapshots/questions.html", context)


@for_auditors
@require_safe
def question(request: PortalRequest, name: str) -> HttpResponse:
    """What one question finds, newest first."""
    asked = _question(name)
    form = PeriodForm(request.GET)
    before = request.GET.get("before", "")[:40]
    _record(ActionCode.AUDIT_ASKED, request, asked, before=before)
    (figures,) = selectors.figures([asked])
    context: dict[str, Any] = {"form": form, "asked": asked, "told": _told(figures)}
    period = _period(form)
    if period is not None:
        hits = selectors.hits_visible_to(request.user, asked, period)
        context["page"] = selectors.hits_page(hits, before=before)
        context["narrowed"] = bool(period)
        context["in_period"] = selectors.hits_in(asked, period) if period else figures.in_all
    context["unjudged"] = selectors.unjudged_count()
    return render(request, "snapshots/question.html", context)


@for_auditors
@require_safe
def export(request: PortalRequest, name: str) -> HttpResponse | StreamingHttpResponse:
    """All that the question finds in the period, as a file."""
    asked = _question(name)
    form = request.GET.get("format", "csv")
    if form not in FORMATS:
        raise Http404
    period = _period(PeriodForm(request.GET))
    if period is None:  # the page says why
        address = reverse("snapshots:question", args=[asked])
        return redirect(f"{address}?{request.GET.urlencode()}")
    _record(ActionCode.AUDIT_EXPORTED, request, asked, format=form)
    hits = selectors.hits_visible_to(request.user, asked, period)
    answer = StreamingHttpResponse(written(hits, form), content_type=FORMATS[form])
    stamp = f"{timezone.now():%Y%m%d-%H%M%S}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{asked}-{stamp}.{form}"'
    return answer


def _question(name: str) -> Question:
    try:
        return Question(name)
    except ValueError:
        raise Http404 from None


def _period(form: PeriodForm) -> selectors.Period | None:
    """None for days that are none: rows that nobody asked for would read as the answer."""
    if not form.is_valid():
        return None
    return selectors.Period(form.cleaned_data["since"], form.cleaned_data["until"])


def _record(code: ActionCode, request: HttpRequest, asked: Question, **told: str) -> None:
    """Before anything is shown. The days are kept as they were typed."""
    days = {name: request.GET.get(name, "")[:40] for name in ("since", "until")}
    details = {"question": str(asked.label), **days, **told}
    record_action(
        code, subject=str(asked), details={k: text for k, text in details.items() if text}
    )


def _told(figures: selectors.Figures) -> dict[str, Any]:
    """A question's figures with its words and its plot."""
    return {
        "question": figures.question,
        "means": means(figures.question),
        "figures": figures,
        "plot": plot_of(figures.weeks),
    }
