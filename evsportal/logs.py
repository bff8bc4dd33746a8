"""The form of the log: one line for each event, on standard error, with times in UTC.

Each line names the web request and the operation that it belongs to, or "-". Middleware and the
worker say which by `log_context`; a thread has a context of its own. With EVSPORTAL_LOG_FORMAT=json
each line is an object, a traceback included.
"""

import copy
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

TEXT, JSON = "text", "json"
LEVELS = ("debug", "info", "warning", "error")
LINE = "{asctime}Z {levelname} {name} request={request_id} operation={operation_id} {message}"
# At "debug" they tell what is sent and stored, secrets too: never below "info".
_TELL_SECRETS = ("allauth", "amqp", "celery", "django.db.backends", "kombu", "requests", "urllib3")

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_operation_id: ContextVar[str] = ContextVar("operation_id", default="")


@contextmanager
def log_context(*, request_id: str = "", operation_id: str = "") -> Iterator[None]:
    """Name the request or the operation on every line that is logged in this block."""
    request = _request_id.set(request_id or _request_id.get())
    operation = _operation_id.set(operation_id or _operation_id.get())
    try:
        yield
    finally:
        _operation_id.reset(operation)
        _request_id.reset(request)


def current_request_id() -> str:
    """The id of the web request that is being answered or worked for; empty outside of one."""
    return _request_id.get()


class ContextFilter(logging.Filter):
    """Adds `request_id` and `operation_id` to each record, unless the latter came in `extra`."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs an answer of 400 and above after the middleware, and hands over the request.
        request = getattr(record, "request", None)
        request_id = _request_id.get() or getattr(request, "request_id", "")
        record.request_id = request_id or "-"
        given = getattr(record, "operation_id", "")  # by `extra`, where a line is about another
        record.operation_id = given or _operation_id.get() or "-"
        return True


_MAILED_LINK = re.compile(r"(/accounts/reset/[^/\s]+/)[^/\s?\"']+")


class UtcFormatter(logging.Formatter):
    """One line for each event, whatever a header, a path or a field holds.

    Line breaks, control characters, escapes of a terminal and marks that turn the direction of text
    are spelt out. A traceback has lines of its own, each behind a bar.
    """

    converter = time.gmtime  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        bare = copy.copy(record)
        bare.exc_info = bare.exc_text = bare.stack_info = None
        parts = [spelt_out(super().format(bare))]
        if record.exc_info:
            parts.append(_behind_bars(self.formatException(record.exc_info)))
        if record.stack_info:
            parts.append(_behind_bars(record.stack_info))
        return "\n".join(parts)


def _behind_bars(text: str) -> str:
    return "\n".join(f"  | {spelt_out(line)}" for line in text.split("\n"))


def without_tokens(text: str) -> str:
    """The text without the tokens of mailed links, which open an account for an hour."""
    return _MAILED_LINK.sub(r"\1…", text)


def spelt_out(text: str) -> str:
    text = without_tokens(text)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


class JsonFormatter(logging.Formatter):
    """One object in one line of ASCII for each event, so that nothing can end or turn the line."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, object] = {"message": record.getMessage()}
        for name in ("request_id", "operation_id"):
            value = getattr(record, name, "-")
            facts |= {name: value} if value != "-" else {}
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            facts["stack"] = record.stack_info
        at = datetime.fromtimestamp(record.created, UTC)
        return json_line(record.name, record.levelname, facts, at=at)


def json_line(
    logger: str, level: str, facts: Mapping[str, object], *, at: datetime | None = None
) -> str:
    """A line of the log as JSON, without the tokens of mailed links."""
    moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds")
    head = {"at": moment.replace("+00:00", "Z"), "level": level, "logger": logger}
    texts = {
        name: without_tokens(value) if isinstance(value, str) else value
        for name, value in facts.items()
    }
    return json.dumps(head | texts)


def formatter(form: str) -> logging.Formatter:
    """For what does not log by Django's settings."""
    if form == JSON:
        return JsonFormatter()
    return UtcFormatter(LINE, datefmt="%Y-%m-%dT%H:%M:%S", style="{")


def logging_settings(*, form: str, levels: Mapping[str, str]) -> dict[str, Any]:
    """Django's `LOGGING`. `levels` by the name of a logger; "" is for all that are not named."""
    root = levels.get("", "info")
    loggers = {
        "celery.app.trace": "warning",  # these two have a line for each message
        "celery.worker.strategy": "warning",
        "waitress": "warning",
        "waitress.queue": "error",  # it warns of each request that waits for a thread
        "django": max(root, "info", key=LEVELS.index),
        **{name: level for name, level in levels.items() if name},
    }
    for name in _TELL_SECRETS:
        loggers[name] = max(loggers.get(name, root), "info", key=LEVELS.index)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": ContextFilter}},
        "formatters": {"line": {"()": formatter, "form": form}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["context"],
                "formatter": "line",
            }
        },
        "root": {"handlers": ["stderr"], "level": root.upper()},
        "loggers": {
            name: {"level": level.upper(), "handlers": [], "propagate": True}
            for name, level in loggers.items()
        },
    }
