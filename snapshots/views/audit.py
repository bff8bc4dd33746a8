"""What left the portal, what came back, and what people did here: for auditors."""

import json

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import zip_while_sent
from snapshots.audit.record import account_names as names
from snapshots.audit.record.actions import record as record_action
from snapshots.audit.search import query as search
from snapshots.audit.search.qualifiers import SearchError
from snapshots.forms import AuditSearchForm
from snapshots.forms.secrets import recordable
from snapshots.models import ActionCode
from snapshots.rights.visible import anomalies_visible_to, entries_visible_to
from snapshots.selectors.archives import archives_visible_to
from snapshots.selectors.records import records_page
from snapshots.selectors.seals import push_states, seal_state
from snapshots.views.access import PortalRequest, for_auditors
from snapshots.views.downloads import download


@for_auditors
@require_safe
def audit(request: PortalRequest) -> HttpResponse:
    form = AuditSearchForm(request.GET)
    query = _search(form)
    entries = entries_visible_to(request.user)
    before = request.GET.get("before", "")[:40]
    # Rows that nobody asked for would read as the answer.
    searched = entries if query else entries.none()
    page = records_page(searched, query or search.Search(), before=before)
    details = {"query": recordable(_asked(form)), "before": before}
    code = ActionCode.AUDIT_SEARCHED if query else ActionCode.AUDIT_SEARCH_REFUSED
    record_action(code, details={name: text for name, text in details.items() if text})
    context = {
        "form": form,
        "page": page,
        "filtered": form.narrows,
        "shared_names": names.shared_names(query.people) if query else [],
        "seal": seal_state(),
        "pushed": push_states(),
        "archives": archives_visible_to(request.user),
    }
    if not form.narrows and not before:
        context["anomalies"] = anomalies_visible_to(request.user)[:5]
    return render(request, "snapshots/audit.html", context)


def _search(form: AuditSearchForm) -> search.Search | None:
    """The search; None, with an error in the form, when it cannot be answered."""
    if not form.is_valid():
        return None
    try:
        return search.parse(form.query())
    except SearchError as error:
        form.add_error("q", str(error))
        return None


def _asked(form: AuditSearchForm) -> str:
    if form.is_valid():
        return form.query()
    return json.dumps({name: form.data[name] for name in form.fields if form.data.get(name)})


@for_auditors
@require_safe
@download
def export(request: PortalRequest) -> HttpResponse | StreamingHttpResponse:
    """A ZIP of what the list shows, or of everything, with the seals over it."""
    form = AuditSearchForm(request.GET)
    query = _search(form)
    if query is None:
        return redirect(f"{request.path.removesuffix('export/')}?{request.GET.urlencode()}")
    entries = None
    if form.narrows:
        entries = search.find(entries_visible_to(request.user), query)
    text = recordable(form.query())
    record_action(ActionCode.AUDIT_EXPORTED, details={"query": text or "everything"})
    content = ExportRequest(
        made_by=request.user.get_username(),
        query=text,
        entries=entries,
        csv="csv" in request.GET,
    )
    answer = StreamingHttpResponse(
        zip_while_sent(lambda archive: write_export(archive, content)),
        content_type="application/zip",
    )
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
