"""What left the portal and what came back, for auditors."""

import json
import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from snapshots import selectors
from snapshots.forms import ExchangeFilterForm
from snapshots.models import Purpose
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.curl import curl_of


@for_auditors
@require_safe
def audit(request: PortalRequest) -> HttpResponse:
    form = ExchangeFilterForm(request.GET)
    exchanges = selectors.exchanges_visible_to(request.user)
    if form.is_valid():
        exchanges = selectors.exchanges_matching(exchanges, form.wanted())
    else:  # rows that nobody asked for would read as the answer
        exchanges = exchanges.none()
    page = selectors.exchanges_page(exchanges, before=request.GET.get("before", ""))
    context = {"form": form, "page": page, "filtered": form.narrows}
    if not form.narrows and "before" not in request.GET:
        context["anomalies"] = selectors.anomalies_visible_to(request.user)[:5]
    return render(request, "snapshots/audit.html", context)


@for_auditors
@require_safe
def exchange(request: PortalRequest, exchange_id: uuid.UUID) -> HttpResponse:
    """Both sides of one exchange."""
    exchanges = selectors.exchanges_visible_to(request.user)
    record = get_object_or_404(exchanges, id=exchange_id)
    answer = getattr(record, "answer", None)
    before, after = selectors.exchange_neighbours(record)
    context = {
        "exchange": record,
        "answer": answer,
        "request_body": readable(record.body),
        "answer_body": readable(answer.body) if answer else "",
        "before": before,
        "after": after,
        # A sign-in's body is not stored, so a command made of it would only be wrong.
        "curl": "" if record.purpose == Purpose.LOGIN else curl_of(record),
    }
    return render(request, "snapshots/exchange.html", context)


def readable(body: str) -> str:
    """JSON indented, for eyes; anything else as it came."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
