"""`manage worker`: performs what people asked for, watches snapshots, reads the volumes."""

import logging
import os
import signal
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from evsportal.logs import JSON
from evsportal.paths import management_command
from evsportal.readiness import announce_ready
from snapshots.database.limits import bound_connections
from snapshots.worker import Loop, chosen_engine

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Performs operations, watches snapshots and keeps the list of volumes fresh. SIGHUP: "
        "finishes its work, reads all settings again and goes on, if they can be used."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        bound_connections()
        loop = Loop(chosen_engine())
        reload = _Reload(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reload.end_instead())
        signal.signal(signal.SIGHUP, lambda *_: reload.begin())
        text = f"The worker {loop.name} runs."
        if settings.EVSPORTAL_LOG_FORMAT == JSON:
            log.info(text)
        else:
            self.stdout.write(text)
            self.stdout.flush()
        loop.run(on_ready=announce_ready)
        if reload.is_accepted:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the new program can take one
            os.execv(sys.executable, sys.orig_argv)


class _Reload:
    """Checks the settings beside the running work, then lets the work end."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._checking = threading.Lock()
        self._must_end = False
        self._is_good = False

    @property
    def is_accepted(self) -> bool:
        return self._is_good and not self._must_end

    def end_instead(self) -> None:
        """The worker was told to end: that counts more than any reload."""
        self._must_end = True
        self._loop.stop()

    def begin(self) -> None:
        """May be called by a signal handler; a second reload at a time is the same reload."""
        if self._checking.acquire(blocking=False):
            threading.Thread(target=self._check, daemon=True).start()

    def _check(self) -> None:
        try:
            argv = [*management_command(), "reload_check"]
            # It says itself, on standard error, what it refuses.
            done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL)
            if done.returncode == 0:
                self._is_good = True
                self._loop.stop()
        finally:
            self._checking.release()
