"""A web process below gunicorn, which starts, watches and ends it."""

import os
import time
from datetime import timedelta
from types import FrameType, SimpleNamespace
from typing import Any

from gunicorn.workers.base import Worker

from evsportal.logs import spelt_out
from evsportal.web_server import WebServer


class WebWorker(Worker):
    """Runs `WebServer`. After SIGTERM it answers what it has, `graceful_timeout` at most."""

    server: WebServer | None = None

    def run(self) -> None:
        (listener,) = self.sockets
        has_log = self.log.access_log_enabled
        self.server = WebServer(
            self.wsgi,
            listener.sock,
            threads=self.cfg.threads,
            log_access=self._log_access if has_log else None,
        )
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self.server.turn()
        self.server.stop_accepting()
        ends_at = time.monotonic() + self.cfg.graceful_timeout
        while self.server.is_busy() and time.monotonic() < ends_at:
            self.notify()
            self.server.turn()
        self.server.finish()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.server is not None:
            self.server.pull_trigger()  # ends the second of waiting

    def _log_access(
        self, answer: SimpleNamespace, environ: dict[str, Any], duration: timedelta
    ) -> None:
        """In gunicorn's format; no header of a client ends the line or moves the cursor."""
        spelt = {
            name: spelt_out(value) if isinstance(value, str) else value
            for name, value in environ.items()
        }
        self.log.access(answer, {}, spelt, duration)
