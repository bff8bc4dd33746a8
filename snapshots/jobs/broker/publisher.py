"""Publishing with a bound: a broker that hangs keeps nobody waiting without end."""

import contextlib
import logging
import time
from collections.abc import Iterable

from celery import Celery
from kombu import Connection, Producer

from snapshots.jobs.broker.app import PATIENCE_SECONDS, queue_of
from snapshots.jobs.broker.due import Due

log = logging.getLogger(__name__)

# After a failure nothing is published for so long; what was due then is published again later.
SILENT_SECONDS = 5.0
# A row whose message had no effect is told again.
AGAIN_SECONDS = 6.0


class BrokerAwayError(Exception):
    """The broker did not confirm. The reason is in words, without address and password."""


class Publisher:
    """One connection to the broker, for one thread."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def publish(self, due: Due) -> None:
        """Returns when the broker has the message on disk. Raises `BrokerAwayError` after a few
        seconds, the first time after six, when it does not.
        """
        was_open = self._producer is not None
        try:
            self._publish(due)
        except BrokerAwayError:
            if not was_open:
                raise
            self._publish(due)  # the broker had closed an idle connection

    def look(self) -> None:
        """Whether the broker takes a connection. Raises `BrokerAwayError`."""
        try:
            self._open()
        except Exception as error:  # the drivers' errors have no common class
            raise BrokerAwayError(type(error).__name__) from error
        finally:
            self.close()

    def _publish(self, due: Due) -> None:
        notice = due.notice
        subject = "duty" if notice.is_duty else "operation"
        try:
            self._app.send_task(
                due.task,
                kwargs={subject: notice.key, "cloud": notice.lane},
                queue=queue_of(notice.lane, self._app.clouds),
                producer=self._producer or self._open(),
                confirm_timeout=PATIENCE_SECONDS,
                retry=False,
                ignore_result=True,
            )
        except Exception as error:
            self.close()
            raise BrokerAwayError(type(error).__name__) from error

    def _open(self) -> Producer:
        connection = self._app.connection_for_write(
            connect_timeout=PATIENCE_SECONDS,
            transport_options={
                "confirm_publish": True,
                "read_timeout": PATIENCE_SECONDS,
                "write_timeout": PATIENCE_SECONDS,
            },
        )
        self._connection = connection
        connection.connect()
        self._producer = self._app.amqp.Producer(connection.channel(), auto_declare=False)
        return self._producer

    def close(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collapse()


class Announcer:
    """Publishes due rows, each once in a while, and is silent for a time after a failure."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._published_at: dict[Due, float] = {}
        self._silent_until = float("-inf")
        self._is_away = False

    def announce(self, rows: Iterable[Due]) -> None:
        """Publish those of the rows that were not published lately."""
        now = time.monotonic()
        if now < self._silent_until:
            return
        self._published_at = {
            due: at for due, at in self._published_at.items() if now - at < AGAIN_SECONDS
        }
        for due in rows:
            if due in self._published_at:
                continue
            try:
                self._publisher.publish(due)
            except BrokerAwayError as error:
                self._note_failure(error)
                return
            self._published_at[due] = time.monotonic()
            self._note_success()

    def _note_failure(self, error: BrokerAwayError) -> None:
        self._silent_until = time.monotonic() + SILENT_SECONDS
        if not self._is_away:
            log.warning(
                "The broker does not take messages (%s): workers find work by themselves, a few"
                " seconds later.",
                error,
            )
        self._is_away = True

    def _note_success(self) -> None:
        if self._is_away:
            log.info("The broker takes messages again.")
        self._is_away = False
