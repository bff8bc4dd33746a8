"""Runs the simulated cloud: ``manage sandbox --port 8009 --state var/sandbox/cloud.sqlite3``."""

import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.sandbox import ErrorStyle, ForceReading, SandboxOptions, SandboxServer


class Command(BaseCommand):
    help = "Runs the sandbox, a simulated cloud, on loopback until it is stopped."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        defaults = SandboxOptions()
        parser.add_argument("--port", type=int, default=8009, help="0: any free one")
        parser.add_argument(
            "--state", type=Path, metavar="FILE", help="where the cloud is kept; default: memory"
        )
        parser.add_argument(
            "--seconds",
            type=float,
            default=defaults.seconds,
            help="how long a snapshot is being created (default: %(default)s)",
        )
        parser.add_argument(
            "--force-reading",
            choices=[reading.value for reading in ForceReading],
            default=defaults.force_reading.value,
            help="cinder: a volume in use needs force; evs: only one being attached does",
        )
        parser.add_argument(
            "--errors",
            choices=[style.value for style in ErrorStyle],
            default=defaults.errors.value,
            help="how /v2 words its errors (default: %(default)s)",
        )
        parser.add_argument(
            "--latency",
            type=float,
            default=defaults.latency_seconds,
            metavar="SECONDS",
            help="added before each answer",
        )
        parser.add_argument(
            "--no-servers",
            action="store_true",
            help="the account may not list servers, so that pages show their ids",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        server = SandboxServer(_options(options), options["port"])
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            server.start()
        except OSError as error:
            raise CommandError(
                f"The sandbox cannot listen on port {options['port']}: {error.strerror}."
            ) from None
        except sqlite3.Error as error:
            raise CommandError(
                f"The sandbox cannot keep its state in {options['state']}: {error}."
            ) from None
        self.stdout.write(f"Sandbox listening on {server.url} (identity: {server.auth_url})")
        self.stdout.flush()
        stopped.wait()
        server.stop()


def _options(options: dict[str, Any]) -> SandboxOptions:
    return SandboxOptions(
        state_file=options["state"],
        with_snapshots=True,
        seconds=options["seconds"],
        force_reading=ForceReading(options["force_reading"]),
        errors=ErrorStyle(options["errors"]),
        latency_seconds=options["latency"],
        may_list_servers=not options["no_servers"],
    )
