"""The portal under test: its settings for this run, in this process and for the workers."""

import os
from dataclasses import dataclass
from pathlib import Path

import django

# Real settings, short times. The lease is longer than the deadline, as the portal demands.
TIMES = {
    "EVSPORTAL_CONNECT_SECONDS": "0.5",
    "EVSPORTAL_READ_SECONDS": "0.8",
    "EVSPORTAL_DEADLINE_SECONDS": "1",
    "EVSPORTAL_LEASE_SECONDS": "2",
    "EVSPORTAL_SETTLE_SECONDS": "3",
    "EVSPORTAL_WATCH_SECONDS": "0.4",
    "EVSPORTAL_RETRY_SECONDS": "120",
    "EVSPORTAL_WORKER_POLL_SECONDS": "0.05",
    "EVSPORTAL_INVENTORY_SECONDS": "600",
}
GIVE_UP_SECONDS = 1.5  # longer than any deadline
LATE_SECONDS = (0.1, 1.5)  # half the settle time, to leave room for a slow machine
FROZEN_SECONDS = 4.5  # twice the lease: others take over meanwhile, and have time to act


@dataclass(frozen=True)
class Portal:
    """Where the portal of this run lives."""

    folder: Path
    database: str
    threads: int

    def environ(self, cloud: dict[str, str]) -> dict[str, str]:
        """For the workers; nothing of this machine's own settings leaks in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EVSPORTAL_", "DJANGO_", "DATABASE_"))
        }
        own = {
            "DJANGO_SETTINGS_MODULE": "evsportal.settings",
            "EVSPORTAL_VAR": str(self.folder),
            "EVSPORTAL_SECRET_KEY": "only-for-fault-runs-" + "x" * 40,
            "EVSPORTAL_WORKER_THREADS": str(self.threads),
            **TIMES,
            **cloud,
        }
        if self.database == "postgres":
            from tests import postgres  # noqa: PLC0415 - needs the development packages

            own["DATABASE_URL"] = postgres.url()
        return kept | own


def enter(environ: dict[str, str]) -> None:
    """Make this process one of the portal's, with an empty database."""
    from django.core.management import call_command  # noqa: PLC0415 - after the environment

    os.environ.clear()
    os.environ.update(environ)
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
