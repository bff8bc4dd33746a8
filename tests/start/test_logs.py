"""Each log line names its web request and its operation; answers name the request."""

import io
import logging
import sys
import threading

import pytest
from django.conf import settings

from evsportal.logs import LINE, ContextFilter, UtcFormatter, log_context
from snapshots.models import Action


@pytest.fixture
def lines():
    """What is logged, formatted as on standard error."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(ContextFilter())
    handler.setFormatter(UtcFormatter(LINE, style="{"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)


def test_standard_error_names_request_and_operation():
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["context"]
    assert settings.LOGGING["filters"]["context"]["()"] is ContextFilter


def test_line_outside_a_request_has_dashes(lines):
    logging.getLogger("some").warning("hello")
    assert lines()[0].endswith("WARNING some request=- operation=- hello")


def test_answer_and_audit_row_have_the_same_id(client, db):
    answer = client.post("/accounts/login/", {"username": "mallory", "password": "wrong"})
    assert answer["X-Request-ID"] == str(Action.objects.latest("seq").cause)


def test_each_request_has_an_id_of_its_own(client, db):
    ids = {client.get("/accounts/login/")["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_line_of_a_missing_page_names_its_request(client, db, lines):
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    line = next(line for line in lines() if "/no-such-page/" in line)
    assert f"request={answer['X-Request-ID']} operation=-" in line


def test_log_context_is_limited_to_block_and_thread(lines):
    logger = logging.getLogger("some")
    with log_context(request_id="r-1"), log_context(operation_id="o-1"):
        logger.warning("inside")
        thread = threading.Thread(target=logger.warning, args=["other thread"])
        thread.start()
        thread.join()
    logger.warning("outside")
    logger.warning("about another", extra={"operation_id": "o-2"})
    assert [line.partition("request=")[2] for line in lines()] == [
        "r-1 operation=o-1 inside",
        "- operation=- other thread",
        "- operation=- outside",
        "- operation=o-2 about another",
    ]


FORGERIES = [
    "\r\n2026-11-29T00:00:00Z ERROR root request=- operation=- forged",
    "\x1b[2K\x1b[1A forged",
    "\u202eforged",
    "\u2028forged",
    "\u200bforged",
    "\x00forged",
    "\x85forged",
    "\udc80forged",
]


def lines_of(message, *arguments, error=None):
    """Formatted without a logger: what pytest captures, pytest-xdist cannot send as it is."""
    record = logging.LogRecord("some", logging.ERROR, __file__, 1, message, arguments, error)
    ContextFilter().filter(record)
    formatter = UtcFormatter(LINE, style="{")
    return formatter.format(record).splitlines()


@pytest.mark.parametrize("forgery", FORGERIES, ids=ascii)
def test_message_stays_on_one_line(forgery):
    (line,) = lines_of("asked for %s", f"x{forgery}y")
    assert line.isprintable()
    assert "forged" in line


@pytest.mark.parametrize("forgery", FORGERIES, ids=ascii)
def test_traceback_cannot_look_like_a_line(forgery):
    try:
        int(forgery)
    except ValueError:
        lines = lines_of("failed\n%s", forgery, error=sys.exc_info())
    assert all(line.isprintable() for line in lines)
    assert len([line for line in lines if not line.startswith("  | ")]) == 1


def test_no_part_of_a_request_forges_a_line(client, db, lines):
    quoted = "%0d%0a%1b%5b2K%e2%80%ae"
    text = "\r\n\x1b[2K\u202e"
    client.get(f"/no-such-page{quoted}/?q={quoted}", headers={"Host": f"evil{text}"})
    client.get(f"/no-such-page{quoted}/", headers={"X-Request-ID": text, "User-Agent": text})
    client.post("/accounts/login/", {"username": text, "password": text})
    assert len(lines()) >= 2
    for line in lines():
        assert line.isprintable()
        assert " request=" in line or line.startswith("  | ")
