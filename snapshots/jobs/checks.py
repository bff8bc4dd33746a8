"""The engine has what it needs. No sentence quotes the broker's address, which holds a password."""

import importlib.util
import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from snapshots.jobs.engine import CELERY

_FORM = "Write amqps://user:password@host:5671/vhost, or amqp:// without TLS; docs/engine.md."


@register
def check_engine(**_kwargs: Any) -> list[CheckMessage]:
    """Celery is installed, and the broker's address can be read."""
    if settings.EVSPORTAL_ENGINE != CELERY:
        return []
    if not importlib.util.find_spec("celery"):
        text = "EVSPORTAL_ENGINE is celery, and Celery is not installed."
        hint = "Start with ./run, or install requirements-celery.txt."
        return [Error(text, hint=hint, id="evsportal.E060")]
    if not settings.EVSPORTAL_BROKER_URL:
        text = "EVSPORTAL_ENGINE is celery, and EVSPORTAL_BROKER_URL is not set."
        return [Error(text, hint=_FORM, id="evsportal.E061")]
    host = _host_of(settings.EVSPORTAL_BROKER_URL)
    if not host:
        text = "EVSPORTAL_BROKER_URL is no address of RabbitMQ."
        return [Error(text, hint=_FORM, id="evsportal.E062")]
    if settings.EVSPORTAL_BROKER_URL.startswith("amqp://") and not _is_this_machine(host):
        text = f"The password goes to the broker {host} without TLS."
        hint = "Use amqps://, unless the network between them is trusted."
        return [CheckWarning(text, hint=hint, id="evsportal.W060")]
    return []


def _host_of(url: str) -> str:
    """Empty when the address cannot be read."""
    try:
        parts = urlsplit(url)
        is_readable = parts.scheme in {"amqp", "amqps"} and (parts.port or 1) > 0
    except ValueError:
        return ""
    return parts.hostname or "" if is_readable and url.count("@") <= 1 else ""


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
