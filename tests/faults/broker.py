"""What goes wrong with the broker while the run goes on: it is restarted, killed, hung, purged and
cut off from a worker, and two beats publish the same. `tests.faults.worker` drops and doubles
messages.
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

from tests.faults.nursery import Nursery
from tests.faults.passage import Passage
from tests.faults.processes import ROOT, end
from tests.faults.worker import BROUGHT, messages
from tests.rabbitmq import RabbitMQ

_PAUSE_SECONDS = 3.0
_HANG_SECONDS = 6.0  # longer than any patience of the portal
_CUT_OFF_SECONDS = 8.0
_LOOK_SECONDS = 0.1
BEATS = 2


class BrokerTrouble:
    """One RabbitMQ with its beats, from construction until `stop`."""

    def __init__(self, folder: Path, seed: int, nursery: Nursery) -> None:
        self._done: Counter[str] = Counter()
        self._folder = folder
        self._nursery = nursery
        self._random = random.Random(f"{seed}/broker")
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._beats: list[subprocess.Popen] = []
        self._server = RabbitMQ()
        self._server.start()
        self._passage = Passage(self._server.port, nursery.speaker)

    @property
    def settings(self) -> dict[str, str]:
        url = self._server.url.replace(str(self._server.port), str(self._passage.port))
        return {"EVSPORTAL_ENGINE": "celery", "EVSPORTAL_BROKER_URL": url}

    def figures(self) -> dict[str, int]:
        """What was done to the broker, and what became of messages."""
        return {**self._done, "beats": len(self._beats), **messages(self._folder)}

    @property
    def is_proven(self) -> bool:
        """Else work went on without messages, and what happened to them proves nothing."""
        figures = self.figures()
        return figures[BROUGHT] > 0 and figures.get("cut off from a worker", 0) > 0

    def start(self, environ: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "tests.faults.worker", "--beat"]
        for number in range(BEATS):
            with (self._folder / f"beat-{number}.log").open("wb") as log:
                beat = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=log, stderr=log)
            self._beats.append(beat)
        self._trouble = self._pool.submit(self._run)

    @property
    def is_at_work(self) -> bool:
        """False where it ended before its time: `calm` raises why."""
        return not self._trouble.done()

    def calm(self) -> None:
        """No more trouble: it answers when this returns. Raises what ended the trouble."""
        self._stopping.set()
        self._trouble.result(200)

    def stop(self) -> None:
        self._stopping.set()
        for beat in self._beats:
            end(beat)
        self._passage.stop()
        self._server.remove()

    def _run(self) -> None:
        acts = [self._cut_off, self._purge, self._hang, self._purge, self._restart, self._kill]
        in_order = acts  # a short run has each of the first ones
        while not self._stopping.wait(_PAUSE_SECONDS):
            for act in in_order:
                act()
                if self._stopping.wait(_PAUSE_SECONDS):
                    return
            in_order = self._random.sample(acts, len(acts))

    def _cut_off(self) -> None:
        while not (pids := self._nursery.pids()):  # none has been started yet
            if self._stopping.wait(_LOOK_SECONDS):
                return
        self._passage.close_to(self._random.choice(pids))
        self._stopping.wait(_CUT_OFF_SECONDS)
        self._passage.open()
        self._done["cut off from a worker"] += 1

    def _purge(self) -> None:
        for queue in ("evsportal.house", "evsportal.cloud.sandbox"):
            try:
                self._done["messages purged"] += self._server.purge(queue)
            except (OSError, kombu.exceptions.KombuError, *kombu.Connection().channel_errors):
                self._done["purges refused"] += 1
        self._done["purged"] += 1

    def _hang(self) -> None:
        self._server.freeze()
        self._stopping.wait(_HANG_SECONDS)
        self._server.thaw()
        self._done["hung"] += 1

    def _restart(self) -> None:
        self._server.stop()
        self._server.start()
        self._done["restarted"] += 1

    def _kill(self) -> None:
        self._server.kill()
        self._server.start()
        self._done["killed"] += 1
