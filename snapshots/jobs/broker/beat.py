"""`celery beat`: publishes duties when they are due, and sweeps up operations.

It is driven by the table of duties, not by intervals of its own. A second beat doubles messages,
and of two messages one finds nothing to claim.
"""

import logging
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler
from django.db import Error as DatabaseError
from django.db import connection

from evsportal.readiness import announce_ready
from snapshots.jobs.broker.due import due_duties, due_operations
from snapshots.jobs.broker.publisher import Announcer, Publisher

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
# Younger ones are left to the relay.
_SWEPT_AFTER = timedelta(seconds=2)


class DutyScheduler(Scheduler):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._publisher = Publisher(self.app)
        self._announcer = Announcer(self._publisher)

    def setup_schedule(self) -> None:
        """There is no other schedule than the table."""

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """Returns in how many seconds to look again."""
        try:
            held = self.app.closed_off()
            answering = [cloud for cloud in self.app.clouds if cloud not in held]
            self._announcer.announce(due_duties(held=held))
            self._announcer.announce(due_operations(answering, overdue=_SWEPT_AFTER))
        except DatabaseError as error:
            log.warning("Beat waits for the database: %s", error)
            connection.close()
        announce_ready()
        return _TICK_SECONDS

    def close(self) -> None:
        self._publisher.close()
