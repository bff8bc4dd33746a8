"""`manage worker`: performs what people asked for, watches snapshots, reads the volumes."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from snapshots.worker import Loop


class Command(BaseCommand):
    help = "Performs operations, watches snapshots and keeps the list of volumes fresh."

    def handle(self, *_args: Any, **_options: Any) -> None:
        loop = Loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        self.stdout.write(f"The worker {loop.name} runs.")
        loop.run()
