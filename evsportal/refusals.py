"""The page of a request that the web server refuses by itself, before Django sees it."""

import logging
import uuid
from http import HTTPStatus

from django.template.loader import render_to_string

from evsportal.browser_rules import BROWSER_RULES, content_policy
from evsportal.logs import log_context

_PAGES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "413.html",
    HTTPStatus.REQUEST_URI_TOO_LONG: "414.html",
    HTTPStatus.INTERNAL_SERVER_ERROR: "500.html",
}

logger = logging.getLogger(__name__)


def refusal(code: int, reason: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body. The page's reference stands in the log, as any request's."""
    request_id = str(uuid.uuid4())
    with log_context(request_id=request_id):
        page = render_to_string(_PAGES.get(HTTPStatus(code), "400.html"))
        logger.warning("Refused before it was read: %s %s", code, reason)
    headers = {
        "X-Request-ID": request_id,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(),
        **BROWSER_RULES,
    }
    return f"{code} {reason}", list(headers.items()), page.encode()
