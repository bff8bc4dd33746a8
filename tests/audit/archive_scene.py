"""Archiving, as tests of it ask for it."""

from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import call_command
from django.utils import timezone

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.models import Seal

OLD = timedelta(days=30)
YESTERDAY = f"{datetime.now(tz=UTC) - timedelta(days=1):%Y-%m-%d}"
ARCHIVABLE = ("exchange", "answer", "action", "anomaly")


def sealed(make, *, ago=OLD):
    with time_machine.travel(timezone.now() - ago):
        make()
        return seal_new_rows(at_once=True)


def archive(folder, **facts):
    call_command("audit_archive", **{"to": str(folder), "before": YESTERDAY, "yes": True} | facts)


def state():
    """All that the trail holds, by its numbers."""
    numbers = {
        name: set(model.objects.values_list("pk", flat=True)) for name, model in TRAIL.items()
    }
    return numbers | {"seal": set(Seal.objects.values_list("pk", flat=True))}
