"""The log's format: one line for each event, on standard error, times in UTC."""

import logging
import time


class UtcFormatter(logging.Formatter):
    converter = time.gmtime  # type: ignore[assignment]


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": UtcFormatter,
            "format": "{asctime}Z {levelname} {name} {message}",
            "datefmt": "%Y-%m-%dT%H:%M:%S",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"level": "INFO", "handlers": [], "propagate": True}},
}
