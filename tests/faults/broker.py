"""What goes wrong with the broker while the run goes on: it is restarted, killed, hung and purged,
and two beats publish the same. `tests.faults.worker` drops and doubles messages.
"""

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kombu

from tests.faults.processes import ROOT, end
from tests.rabbitmq import RabbitMQ

_PAUSE_SECONDS = 3.0
_HANG_SECONDS = 6.0  # longer than any patience of the portal
BEATS = 2


class BrokerTrouble:
    """One RabbitMQ with its beats, from construction until `stop`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._folder = folder
        self._random = random.Random(f"{seed}/broker")
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._beats: list[subprocess.Popen] = []
        self._server = RabbitMQ()
        self._server.start()

    @property
    def settings(self) -> dict[str, str]:
        return {"EVSPORTAL_ENGINE": "celery", "EVSPORTAL_BROKER_URL": self._server.url}

    def start(self, environ: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "tests.faults.worker", "--beat"]
        for number in range(BEATS):
            with (self._folder / f"beat-{number}.log").open("wb") as log:
                beat = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=log, stderr=log)
            self._beats.append(beat)
        self._trouble = self._pool.submit(self._run)

    def calm(self) -> None:
        """No more trouble: it answers when this returns. Raises what ended the trouble."""
        self._stopping.set()
        self._trouble.result(200)

    def stop(self) -> None:
        self._stopping.set()
        for beat in self._beats:
            end(beat)
        self._server.remove()

    def _run(self) -> None:
        acts = [self._purge, self._purge, self._hang, self._restart, self._kill]
        while not self._stopping.wait(_PAUSE_SECONDS):
            for act in self._random.sample(acts, len(acts)):
                act()
                if self._stopping.wait(_PAUSE_SECONDS):
                    return

    def _purge(self) -> None:
        for queue in ("evsportal.house", "evsportal.cloud.sandbox"):
            try:
                self.done["messages purged"] += self._server.purge(queue)
            except (OSError, kombu.exceptions.KombuError, *kombu.Connection().channel_errors):
                self.done["purges refused"] += 1
        self.done["purged"] += 1

    def _hang(self) -> None:
        self._server.freeze()
        self._stopping.wait(_HANG_SECONDS)
        self._server.thaw()
        self.done["hung"] += 1

    def _restart(self) -> None:
        self._server.stop()
        self._server.start()
        self.done["restarted"] += 1

    def _kill(self) -> None:
        self._server.kill()
        self._server.start()
        self.done["killed"] += 1
