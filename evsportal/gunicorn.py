"""The web server's settings, from the environment as everything else."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn.glogging import Logger

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from evsportal.environment import read_environment
from evsportal.logs import without_tokens
from evsportal.readiness import announce_ready

try:
    _values = read_environment(os.environ)
except ImproperlyConfigured as error:
    sys.exit(f"gunicorn: {error}")
_host, _port = _values["EVSPORTAL_BIND"], _values["PORT"]

wsgi_app = "evsportal.wsgi:application"
# Keep the caller's folder: paths in the environment may be relative to it.
pythonpath = str(Path(__file__).resolve().parent.parent)
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

# Few threads with kept connections beat many threads (measured on two cores).
worker_class = "gthread"
workers = _values["EVSPORTAL_WEB_PROCESSES"]
threads = _values["EVSPORTAL_WEB_THREADS"]
keepalive = 15
timeout = 60
graceful_timeout = 30  # replaced by a reload, it answers what it has; a stop waits less: supervisor
limit_request_line = 8190  # the most there is; gunicorn refuses longer ones without a page of ours
preload_app = True  # Django is imported once, not once per process

# Whom to believe is for EVSPORTAL_TRUSTED_PROXIES to say: `evsportal/forwarded.py`.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# gunicorn would open a socket below the user's home.
control_socket_disable = True
loglevel = "warning"
accesslog = "-" if _values["EVSPORTAL_ACCESS_LOG"] else None
access_log_format = '%(h)s %(t)s "%(r)s" %(s)s %(b)s %(L)ss request=%({x-request-id}o)s "%(a)s"'


class AccessLog(Logger):  # type: ignore[misc] # it has no types
    """Gunicorn's own, without the tokens of mailed links."""

    def atoms(self, *args: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(*args)
        return {**atoms, "r": without_tokens(atoms["r"])}


logger_class = AccessLog

MOST_BYTES = 1_000_000  # DATA_UPLOAD_MAX_MEMORY_SIZE; settings are not read yet


def post_worker_init(_worker: Any) -> None:
    """Report to the supervising process that a web process can answer."""
    announce_ready()


def pre_request(_worker: Any, request: Any) -> None:
    """Close the connection after a body that Django will not read: the client is still sending it
    when the answer is written.

    Done here, because gunicorn drops the application's own `Connection` header.
    """
    length = dict(request.headers).get("CONTENT-LENGTH", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        request.force_close()
