"""The engine `celery`: Celery's threads bring messages to the loop, the relay publishes."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from snapshots.jobs.broker.app import make_app
from snapshots.jobs.broker.publisher import Publisher
from snapshots.jobs.broker.receiver import Receiver
from snapshots.jobs.broker.relay import Relay
from snapshots.jobs.notices import Notices

_LEAVING_SECONDS = 4.0  # for each of two threads


class CeleryEngine:
    # Long enough for a message on a busy broker, short enough when there is no broker.
    patience = timedelta(seconds=2)

    def __init__(
        self,
        *,
        broker_url: str,
        clouds: Sequence[str],
        at_once: int,
        closed_off: Callable[[], Sequence[str]],
    ) -> None:
        """`at_once` steps of one cloud run in this worker; `closed_off` names clouds that do not
        answer.
        """
        self.notices = Notices()
        app = make_app(broker_url, clouds, self.notices)
        self._receiver = Receiver(app, at_once=at_once)
        self._relay = Relay(Publisher(app), clouds=clouds, closed_off=closed_off)

    def start(self, worker: str, wake: Callable[[], None]) -> None:
        self.notices.wake = wake
        self._receiver.start(worker)
        self._relay.start(worker)

    def stop(self) -> None:
        self._receiver.stop()
        self.notices.close()
        self._relay.stop()

    def close(self) -> None:
        self.stop()
        self.notices.abandon()
        self._receiver.join(_LEAVING_SECONDS)
        self._relay.join(_LEAVING_SECONDS)
