"""The page of a request that the web server refuses by itself, before Django sees it."""

import uuid
from http import HTTPStatus

from django.template.loader import render_to_string

from evsportal.browser_rules import BROWSER_RULES, content_policy
from evsportal.logs import log_context

_PAGES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "413.html",
    HTTPStatus.INTERNAL_SERVER_ERROR: "500.html",
}


def refusal(code: int, reason: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body."""
    request_id = str(uuid.uuid4())  # the access log has it too
    with log_context(request_id=request_id):
        page = render_to_string(_PAGES.get(HTTPStatus(code), "400.html"))
    headers = {
        "X-Request-ID": request_id,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(),
        **BROWSER_RULES,
    }
    return f"{code} {reason}", list(headers.items()), page.encode()
