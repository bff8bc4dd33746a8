"""EVSPORTAL_LOG_FORMAT=json: an object in one line for each event; and which events are logged."""

import json
import logging
import sys

import pytest

from evsportal import logs
from evsportal.environment import read_environment
from tests.start.test_logs import FORGERIES


def line_of(message, *arguments, error=None, **context):
    record = logging.LogRecord("some", logging.ERROR, __file__, 1, message, arguments, error)
    with logs.log_context(**context):
        logs.ContextFilter().filter(record)
    return logs.formatter("json").format(record)


def test_line_says_when_who_and_for_whom():
    line = json.loads(line_of("asked for %s", "x", request_id="r-1", operation_id="o-1"))
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "ERROR",
        "logger": "some",
        "message": "asked for x",
        "request_id": "r-1",
        "operation_id": "o-1",
    }


def test_line_outside_of_a_request_has_no_ids():
    assert set(json.loads(line_of("hello"))) == {"at", "level", "logger", "message"}


@pytest.mark.parametrize("forgery", FORGERIES, ids=ascii)
def test_event_stays_on_one_line(forgery):
    try:
        int(forgery)
    except ValueError:
        line = line_of("failed\n%s", forgery, error=sys.exc_info(), request_id=forgery)
    assert line.isprintable()
    assert line.isascii()
    result = json.loads(line)
    assert result["message"] == f"failed\n{forgery}"
    assert "ValueError" in result["traceback"]


def test_token_of_a_mailed_link_is_left_out():
    assert "planted" not in line_of("Not Found: %s", "/accounts/reset/MQ/planted-token/")


@pytest.mark.parametrize(
    ("written", "levels"),
    [
        ("", {"": "info"}),
        ("WARNING", {"": "warning"}),
        ("error, snapshots.worker=debug", {"": "error", "snapshots.worker": "debug"}),
    ],
)
def test_levels_are_read(written, levels):
    environ = {"EVSPORTAL_LOG_LEVELS": written} if written else {}
    assert read_environment(environ)["EVSPORTAL_LOG_LEVELS"] == levels


@pytest.mark.parametrize(
    "written", ["loud", "snapshots.worker=", "a b=info", "=loud", "info=info=x"]
)
def test_level_that_is_none_stops_the_start(written):
    with pytest.raises(Exception, match="Levels are debug, info, warning, error"):
        read_environment({"EVSPORTAL_LOG_LEVELS": written})


def test_level_for_all_and_for_one():
    result = logs.logging_settings(form="text", levels={"": "error", "snapshots.worker": "debug"})
    assert result["root"]["level"] == "ERROR"
    assert result["loggers"]["snapshots.worker"]["level"] == "DEBUG"
    assert result["loggers"]["django"]["level"] == "ERROR"


@pytest.mark.parametrize("name", ["django.db.backends", "urllib3", "requests", "allauth"])
def test_what_tells_secrets_stays_quiet(name):
    levels = {"": "debug", name: "debug"}
    assert logs.logging_settings(form="json", levels=levels)["loggers"][name]["level"] == "INFO"
