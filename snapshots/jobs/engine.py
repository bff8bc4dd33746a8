"""The seam between the worker's loop and what tells it that a row is due.

With each engine the tables and their claims are the truth, and the loop alone claims. An engine
publishes a due step, names rows to claim at once, and stops gracefully; a message that it loses,
delays or doubles costs seconds.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from snapshots.jobs.notices import Notices
from snapshots.jobs.wakeup import Listener

EMBEDDED, CELERY = "embedded", "celery"
ENGINES = (EMBEDDED, CELERY)


class Engine(Protocol):
    """What the loop needs of an engine."""

    notices: Notices
    # How long a due row is left to messages. After that the loop claims it without one.
    patience: timedelta

    def start(self, worker: str, wake: Callable[[], None]) -> None:
        """Begin to publish and to receive; `wake` may be called from any thread."""

    def stop(self) -> None:
        """Take no more messages. Work in hand goes on. Returns at once."""

    def close(self) -> None:
        """Leave: after the work in hand has ended, or because the loop broke off. Returns within
        ten seconds.
        """


class Embedded:
    """The loop claims whatever is due; PostgreSQL wakes it."""

    patience = timedelta(0)

    def __init__(self) -> None:
        self.notices = Notices()
        self._listener: Listener | None = None

    def start(self, worker: str, wake: Callable[[], None]) -> None:
        self._listener = Listener(wake)
        self._listener.start()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.stop()
            self._listener.join()
