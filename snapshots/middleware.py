"""What every page tells the browser, and what a page says when the database does not answer."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from evsportal.browser_rules import BROWSER_RULES, content_policy
from evsportal.forwarded import settle
from evsportal.logs import log_context
from snapshots.audit.record.actions import Click, clicked, client_address
from snapshots.monitoring.requests import count_answer
from snapshots.rights.grants import answering_once
from snapshots.selectors.preferences import viewer, viewing
from snapshots.selectors.unchanged import Question, is_unchanged, numbers_of_rights
from snapshots.sign_in import one_time
from snapshots.sign_in.devices import send_cookie
from snapshots.sign_in.errors import TryLaterError
from snapshots.sign_in.one_time import must_choose
from snapshots.sign_in.open_sessions import answering, note_use
from snapshots.step_up import lead_to
from snapshots.tallies import write_tallies

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

ATTENDED = "X-Attended"
LANGUAGE = "X-Language"  # of the page that a fragment is for
VERSION = "X-Version"  # of the page that asks whether anything has changed
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")  # as proxies make them
# nginx's 32 digits, a UUID, or an id of OpenStack's.
UUID = re.compile(r"(?:req-)?([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")


def figures(get_response: GetResponse) -> GetResponse:
    """Counts the answer for monitoring. Stands before whatever takes long: that time counts."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        count_answer(request, response, seconds=time.perf_counter() - began)
        with suppress(DatabaseError):  # it is written after a later request
            write_tallies()
        return response

    return middleware


class Sessions(SessionMiddleware):
    """Django's own, but only the request that ends a session takes its cookie away. A question that
    a page asked before its session got another key is answered later, and would take the new one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        has_ended = getattr(getattr(request, "session", None), "modified", True)
        name = settings.SESSION_COOKIE_NAME
        answered = super().process_response(request, response)
        if not has_ended and name in answered.cookies and not answered.cookies[name].value:
            del answered.cookies[name]
        return answered


def browser_rules(get_response: GetResponse) -> GetResponse:
    """Own scripts and styles only, no frames; no page is kept by the browser.

    Not kept, because the back button after signing out must not show what was on the screen. Stands
    before all that answers by itself: static files, redirects to https, refusals.
    """
    policy = content_policy()

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 204:  # nothing to apply rules to, and asked for very often
            return _bare(response)
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in BROWSER_RULES.items():
            response.headers.setdefault(name, value)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return middleware


def _bare(response: HttpResponse) -> HttpResponse:
    for name in list(response.headers):
        del response.headers[name]
    response.headers["Cache-Control"] = "no-store"
    return response


def question_of(request: HttpRequest) -> Question:
    """What an open page asks, as far as the answer depends on it."""
    return Question(
        address=request.get_full_path(),
        cookies=request.META.get("HTTP_COOKIE", ""),
        languages=" ".join(request.headers.get(name, "") for name in (LANGUAGE, "Accept-Language")),
    )


def unchanged(get_response: GetResponse) -> GetResponse:
    """Answers 204 to an open page on which nothing has changed (`selectors/unchanged.py`).

    Where somebody is there, the question goes on, so that the use of the session is noted.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        version = request.headers.get(VERSION)
        if version is None or request.method != "GET":
            return get_response(request)
        request.get_host()  # refuses a wrong one
        with suppress(DatabaseError):  # the full answer, which reads it too, tells of it
            if ATTENDED not in request.headers and is_unchanged(question_of(request), version):
                return HttpResponse(status=204)
            # For `views.live`; requests have no place for it.
            request.rights_before = numbers_of_rights()  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def proxies(get_response: GetResponse) -> GetResponse:
    """Settles who asks, by which scheme and for which host, before anything else looks."""

    def middleware(request: HttpRequest) -> HttpResponse:
        settle(request.META, settings.EVSPORTAL_TRUSTED_PROXIES)
        return get_response(request)

    return middleware


def request_ids(get_response: GetResponse) -> GetResponse:
    """Give each request an id: for its log lines, the `cause` of its audit rows, and its answer.

    A trusted proxy's `X-Request-ID` is that id where it is a UUID, since rows hold nothing else. Of
    another shape it is answered, and logged beside ours. `proxies` has taken away what others sent.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        proxy_id = request.headers.get("X-Request-ID", "")
        is_uuid = UUID.fullmatch(proxy_id)
        own_id = uuid.UUID(is_uuid[1]) if is_uuid else uuid.uuid4()
        is_accepted = REQUEST_ID.fullmatch(proxy_id) is not None
        answered_id = proxy_id if is_accepted else str(own_id)
        names = dict.fromkeys([answered_id, str(own_id)])  # one where both are spelt alike
        request_id = "/".join(names)
        # For the line that Django logs of an answer of 400 and above, after the middleware.
        request.request_id = request_id  # type: ignore[attr-defined]
        click = Click(own_id, lambda: request.user, client_address(request))
        # A thread must not answer one request in the language of the one before.
        english = translation.override(settings.LANGUAGE_CODE)
        with log_context(request_id=request_id), clicked(click), english:
            response = get_response(request)
        response.headers["X-Request-ID"] = answered_id
        return response

    return middleware


def plain_addresses(get_response: GetResponse) -> GetResponse:
    """Refuses a NUL in the address: no page has one, and PostgreSQL takes none in a query."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "\x00" in unquote(request.META.get("QUERY_STRING", "")):
            raise BadRequest("The address has a NUL in it.")
        return get_response(request)

    return middleware


def wrong_method(get_response: GetResponse) -> GetResponse:
    """Gives a page to a method that an address does not take; Django's answer to it is blank."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.content:
            response.content = render_to_string("405.html").encode()
        return response

    return middleware


class OwnPreferences:
    """Pages are written in the person's language and show times of the person's zone.

    A fragment is in the language of the page that asks for it, whatever was chosen since: no page
    is in two languages. Public pages and errors are in the browser's language, by Django's
    `LocaleMiddleware`: they ask the database nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with viewing(lambda: request.user):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *_arguments: object) -> None:
        language = request.headers.get(LANGUAGE, "")
        if not language and getattr(view, "access_rule", "") != "public":
            language = viewer().language
        if language in dict(settings.LANGUAGES):
            translation.activate(language)


def session_use(get_response: GetResponse) -> GetResponse:
    """Notes that the session was used: by a person, not by a page that asks for news by itself.

    An open page must not keep the session of somebody who left. The script `attended.js` says when
    somebody is there: then the questions of the page count too.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        with answering(request), answering_once():
            response = get_response(request)
        view = getattr(request.resolver_match, "func", None)
        is_attended = not getattr(view, "is_polled", False) or ATTENDED in request.headers
        # A session that gets another key is not saved with an error page.
        if not (is_attended and request.session.accessed) or response.status_code >= 500:
            return response
        try:
            note_use(request)
        except SessionInterrupted:
            # Ended, or moved to another key by a click in another tab, since this request read it.
            # What was asked is done: the answer says so, and brings no key.
            return response
        except DatabaseError as error:  # the page itself is made, and may go out
            if not is_database_trouble(error):
                raise
            logger.warning("The use of a session was not noted: %s", error)
        return response

    return middleware


class SignInBrakes:
    """Answers 429 where a sign-in or a password has to wait, whichever page it came from; and sends
    the cookie by which a browser is known that signed in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        send_cookie(request, response)
        return response

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TryLaterError):
            return None
        context = {"seconds": error.seconds, "is_busy": error.is_busy, "sentence": error.sentence}
        page = render_to_string("429.html", context)
        headers = {"Retry-After": str(error.seconds)}
        return HttpResponse(page, status=error.status, headers=headers)


class OwnPasswords:
    """Leads people whose password was set by another to choose their own, whatever they ask for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in one_time.OPEN:
            return None
        if getattr(match.func, "access_rule", "") == "public" or not must_choose(request):
            return None
        is_signed_in = request.user.is_authenticated
        return lead_to(request, reverse("password_change")) if is_signed_in else None


class DatabaseTrouble:
    """Answers 503 in plain words when the database is read-only, locked or gone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_trouble(request, error) if is_database_trouble(error) else None


# PostgreSQL's codes for a read-only transaction and for a role that may not write: psycopg files
# them under the classes for faults of ours. Locked, full and gone are OperationalErrors anywhere.
NOT_WRITABLE = {"25006", "42501"}


def is_database_trouble(error: BaseException) -> bool:
    """Read-only, locked, full or gone; not a fault of ours in a query."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    code = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, DatabaseError) and code in NOT_WRITABLE


def database_trouble(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A page that needs no database, and the line for the operator's log."""
    logger.error("The database does not answer: %s %s: %s", request.method, request.path, error)
    asked = request.method not in {"GET", "HEAD"}
    page = render_to_string("503.html", {"asked": asked})
    return HttpResponse(page, status=503, headers={"Retry-After": "30"})
