"""Pages for when something is wrong. They ask the database nothing: it may be what is wrong."""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from snapshots.middleware import database_trouble, is_database_trouble
from snapshots.step_up import page_before


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _page("413.html", 413, too_many_fields=False)
    if isinstance(exception, TooManyFieldsSent):
        return _page("413.html", 413, too_many_fields=True)
    return _page("400.html", 400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The reason is for developers; people get what to do."""
    return _page("403_csrf.html", 403, came_from=page_before(request))


def forbidden(_request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page("403.html", 403)


def not_found(_request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page("404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if error is not None and is_database_trouble(error):
        return database_trouble(request, error)  # raised in middleware, before any view ran
    return _page("500.html", 500)


def _page(template: str, status: int, **context: object) -> HttpResponse:
    return HttpResponse(render_to_string(template, context), status=status)
