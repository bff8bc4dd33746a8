"""How far the audit trail is sealed, and how far it was pushed outside."""

from dataclasses import dataclass
from datetime import datetime

from snapshots.audit.delivery import push
from snapshots.audit.seals.sealing import latest_seal
from snapshots.models import Pushed


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the trail is sealed."""

    number: int | None
    at: datetime | None
    is_signed: bool


def seal_state() -> SealState:
    """Of the newest seal; without one, nothing is sealed."""
    seal = latest_seal()
    return SealState(
        number=seal.number if seal else None,
        at=seal.at if seal else None,
        is_signed=bool(seal and seal.signature),
    )


def push_states() -> list[Pushed]:
    """The places outside that new rows of the trail are pushed to, and how far each is."""
    return push.states()
