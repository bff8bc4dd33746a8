"""The web server's settings, from the environment as everything else."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn.glogging import Logger

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from evsportal import figures
from evsportal.environment import read_environment
from evsportal.logs import JSON, formatter, json_line, without_tokens
from evsportal.readiness import announce_ready

try:
    _values = read_environment(os.environ)
except ImproperlyConfigured as error:
    sys.exit(f"gunicorn: {error}")
_is_json = _values["EVSPORTAL_LOG_FORMAT"] == JSON
_host, _port = _values["EVSPORTAL_BIND"], _values["PORT"]

wsgi_app = "evsportal.wsgi:application"
# Keep the caller's folder: paths in the environment may be relative to it.
pythonpath = str(Path(__file__).resolve().parent.parent)
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

# Slow clients take a connection, not a thread: docs/decisions/0010-slow-connections.md.
worker_class = "evsportal.web_worker.WebWorker"
workers = _values["EVSPORTAL_WEB_PROCESSES"]
threads = _values["EVSPORTAL_WEB_THREADS"]
timeout = 60
graceful_timeout = 30  # replaced by a reload, it answers what it has; a stop waits less: supervisor
preload_app = True  # Django is imported once, not once per process

# gunicorn would open a socket below the user's home.
control_socket_disable = True
loglevel = "warning"
accesslog = "-" if _values["EVSPORTAL_ACCESS_LOG"] else None
access_log_format = '%(h)s %(t)s "%(r)s" %(s)s %(b)s %(L)ss request=%({x-request-id}o)s "%(a)s"'


class AccessLog(Logger):
    """Gunicorn's own, without the tokens of mailed links, and in the form of the portal's log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if _is_json:
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter(JSON))

    def atoms(self, *args: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(*args)
        return {**atoms, "r": without_tokens(atoms["r"])}

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        if not _is_json:
            super().access(resp, req, environ, request_time)
            return
        atoms = self.atoms(resp, req, environ, request_time)
        facts = {name: atoms.get(atom) for name, atom in _FIELDS.items()}
        facts["seconds"] = round(request_time.total_seconds(), 6)
        self.access_log.info(json_line("access", "INFO", facts))


_FIELDS = {
    "client": "h",
    "message": "r",
    "status": "s",
    "bytes": "B",
    "request_id": "{x-request-id}o",
    "agent": "a",
}
logger_class = AccessLog


_figures = figures.allot(workers)
_NEW_OBJECTS = 10_000  # between two looks for garbage: as many as a page of 50 rows makes


def pre_fork(server: Any, worker: Any) -> None:
    """Say which part of the figures the new process gets: a part that no living process has."""
    taken = {each.part_of_figures for each in server.WORKERS.values()}
    free = (part for part in range(_figures.parts) if part not in taken)
    worker.part_of_figures = next(free, _figures.parts - 1)


def post_fork(_server: Any, worker: Any) -> None:
    _figures.take_part(worker.part_of_figures)
    # What was imported before the fork stays: looking through it again and again for garbage took a
    # fifth of a page's time, and made each process copy the memory that they share.
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def post_worker_init(_worker: Any) -> None:
    """Report to the supervising process that a web process can answer."""
    announce_ready()


def worker_exit(_server: Any, _worker: Any) -> None:
    gc.freeze()  # a process that ends need not look for garbage first


def on_exit(_server: Any) -> None:
    gc.freeze()
