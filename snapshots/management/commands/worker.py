"""`manage worker`: performs what people asked for, watches snapshots, reads the volumes."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from snapshots.database.limits import bound_connections
from snapshots.worker import Loop


class Command(BaseCommand):
    help = "Performs operations, watches snapshots and keeps the list of volumes fresh."

    def handle(self, *_args: Any, **_options: Any) -> None:
        bound_connections()
        loop = Loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        self.stdout.write(f"The worker {loop.name} runs.")
        loop.run()
