"""How much may vanish from a cloud's list before the list is taken for the cloud's fault."""

from django.conf import settings

from snapshots import clouds
from snapshots.mirror import STORED_AT_ONCE

# As few as these may always vanish at once.
FEW = 10
MOST_OF_PACE = 0.1  # the share of the cloud's calls that each kind of reading may take
MOST_FAILURES = 3  # in a row, of readings of single rows
HELD_BACK = "held_back"


def most_vanished(present: int) -> float:
    """As many of those that were present may be missing from a list that is believed."""
    return max(FEW, settings.EVSPORTAL_SNAPSHOTS_MOST_GONE * present)


def singles(cloud: str, *, seconds: float) -> int:
    """How many rows may be asked for one by one in a reading that comes every so many seconds."""
    calls = seconds * clouds.config_of(cloud).calls_per_second * MOST_OF_PACE
    return min(STORED_AT_ONCE, max(FEW, int(calls)))
