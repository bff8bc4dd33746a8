"""The form of the log: one line for each event, on standard error, with times in UTC.

Each line names the web request and the operation that it belongs to, or "-". Middleware and the
worker say which by `log_context`; a thread has a context of its own.
"""

import copy
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": ContextFilter}},
    "formatters": {
        "line": {
            "()": UtcFormatter,
            "format": (
                "{asctime}Z {levelname} {name} request={request_id} operation={operation_id} "
                "{message}"
            ),
            "datefmt": "%Y-%m-%dT%H:%M:%S",
            "style": "{",
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["context"],
            "formatter": "line",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        "waitress": {"level": "WARNING"},
        # It warns of each request that waits for a thread.
        "waitress.queue": {"level": "ERROR"},
    },
}
