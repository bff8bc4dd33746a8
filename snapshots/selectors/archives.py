"""What is no longer in the trail, and where it is."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from snapshots.models import Seal, Tombstone
from snapshots.rights.policy import Right, may


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of records that were removed here."""

    file: str
    sha256: str
    rows: int
    until: datetime  # everything in it was recorded by then


def archives_visible_to(user: User) -> list[Archive]:
    """Newest first; for auditors. Two queries."""
    if not may(user, Right.AUDIT):
        return []
    stones = list(Tombstone.objects.order_by("-last_seal"))
    seals = Seal.objects.filter(number__in=[stone.last_seal for stone in stones])
    until = dict(seals.values_list("number", "at"))
    return [
        Archive(
            stone.file,
            stone.sha256,
            sum(span[2] for span in stone.tables.values()),
            until[stone.last_seal],
        )
        for stone in stones
        if stone.last_seal in until  # else it is forged, as a verification will say
    ]
