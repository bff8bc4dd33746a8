"""The portal under test: its settings for this run, in this process and for the workers."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import django

_SAME = {
    "EVSPORTAL_RETRY_SECONDS": "120",
    "EVSPORTAL_STAFF_OPEN_REQUESTS": "1000000",  # one person asks for everything
    "EVSPORTAL_STAFF_DAY_REQUESTS": "1000000",
    "EVSPORTAL_WORKER_POLL_SECONDS": "0.05",
    "EVSPORTAL_INVENTORY_SECONDS": "60",
    "EVSPORTAL_SNAPSHOTS_SECONDS": "3",
}


@dataclass(frozen=True)
class Pace:
    """Short times for what the cloud does; the lease is the product's own, so that a row which
    nobody works on is seen lying.
    """

    settings: dict[str, str]
    give_up_seconds: float  # longer than any deadline
    late_seconds: tuple[float, float]  # half the settle time, to leave room for a slow machine
    frozen_seconds: float  # twice the silence after which others take over, so that they can act


SHORT = Pace(
    settings=_SAME
    | {
        "EVSPORTAL_CONNECT_SECONDS": "0.5",
        "EVSPORTAL_READ_SECONDS": "0.8",
        "EVSPORTAL_DEADLINE_SECONDS": "1",
        "EVSPORTAL_SETTLE_SECONDS": "3",
        "EVSPORTAL_WATCH_SECONDS": "0.4",
    },
    give_up_seconds=1.5,
    late_seconds=(0.1, 1.5),
    frozen_seconds=9.0,
)
# A real cloud takes its time, and some more when it carries out what nobody waits for.
LONGER = Pace(
    settings=_SAME
    | {
        "EVSPORTAL_CONNECT_SECONDS": "1",
        "EVSPORTAL_READ_SECONDS": "2.5",
        "EVSPORTAL_DEADLINE_SECONDS": "3",
        "EVSPORTAL_SETTLE_SECONDS": "10",
        "EVSPORTAL_WATCH_SECONDS": "1",
    },
    give_up_seconds=3.5,
    late_seconds=(0.1, 3.0),
    frozen_seconds=11.0,
)


@dataclass(frozen=True)
class Portal:
    """Where the portal of this run lives."""

    folder: Path
    database: str
    threads: int
    pace: Pace

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
            **self.pace.settings,
            **cloud,
        }
        if self.database == "postgres":
            from tests import postgres

            own["DATABASE_URL"] = postgres.url_for_many_rows()
        return kept | own


def enter(environ: dict[str, str]) -> None:
    """Make this process one of the portal's, with an empty database. Settings with which no worker
    would start are refused here.
    """
    from django.core.management import call_command

    os.environ.clear()
    os.environ.update(environ)
    django.setup()
    call_command("check", stdout=sys.stderr)
    call_command("migrate", verbosity=0, interactive=False)
