"""The page of a request that the web server refuses by itself, before Django sees it."""

from http import HTTPStatus

from django.template.loader import render_to_string

from evsportal.browser_rules import BROWSER_RULES, content_policy

_PAGES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "413.html",
    HTTPStatus.INTERNAL_SERVER_ERROR: "500.html",
}


def refusal(code: int, reason: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body."""
    page = render_to_string(_PAGES.get(HTTPStatus(code), "400.html"))
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(),
        **BROWSER_RULES,
    }
    return f"{code} {reason}", list(headers.items()), page.encode()
