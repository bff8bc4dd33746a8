"""Celery's worker in a thread of `manage worker`: receives messages, and acknowledges them late."""

import logging
import threading
from typing import Any

from celery import Celery
from celery.app import trace
from celery.exceptions import ImproperlyConfigured, Reject
from celery.worker import WorkController, state
from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 10.0
_LOOK_SECONDS = 0.5  # between looks whether to stop


class LoopConsumer(Consumer):
    """Each queue has a prefetch of its own, so that a slow cloud cannot take all threads."""

    class Blueprint(Consumer.Blueprint):
        # Nothing of ours is delayed by the broker: that would take 28 queues.
        default_steps = [
            step for step in Consumer.Blueprint.default_steps if "DelayedDelivery" not in step
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.app.notices is None:
            raise ImproperlyConfigured("The portal's workers are started by `manage worker`.")
        self.initial_prefetch_count = self.app.at_once
        self.timer.call_repeatedly(_LOOK_SECONDS, lambda: None)  # else it waits for a message

    @property
    def max_prefetch_count(self) -> int:
        return int(self.app.at_once)


def _is_not_handed_back(record: logging.LogRecord) -> bool:
    """A worker that stops hands its messages back; Celery would log a stack for each."""
    return not (record.exc_info and isinstance(record.exc_info[1], Reject))


class Receiver:
    """Runs Celery's worker until `stop`; starts it again when it gives up."""

    def __init__(self, app: Celery, *, at_once: int) -> None:
        self._app = app
        app.at_once = at_once  # messages of one queue
        self._threads = at_once * len(app.conf.task_queues)
        self._stopping = threading.Event()

    def start(self, worker: str) -> None:
        name = f"evsportal@{worker.replace(':', '.')}"
        self._thread = threading.Thread(target=self._run, args=[name], name="celery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns at once; what was received and not finished goes back to its queue."""
        self._stopping.set()
        state.should_stop = 0

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self, name: str) -> None:
        state.should_stop = None
        logging.getLogger(trace.__name__).addFilter(_is_not_handed_back)
        # Else threads of the pool look for tasks in an application of Celery's own, find none, and
        # neither log it nor acknowledge the message.
        trace.setup_worker_optimizations(self._app, name)
        while not self._stopping.is_set():
            controller = WorkController(
                app=self._app,
                hostname=name,
                concurrency=self._threads,
                without_gossip=True,
                without_mingle=True,
            )
            controller.start()
            if not self._stopping.is_set():
                log.warning("The receiver of messages has ended; it starts again in a moment.")
                self._stopping.wait(_AGAIN_SECONDS)
