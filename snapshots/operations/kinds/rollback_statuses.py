"""What the statuses of a snapshot and its volume tell of a rollback."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from snapshots.evs.limits import revert_copy_of
from snapshots.evs.types import CloudSnapshot, CloudVolume
from snapshots.models import OperationState, OutcomeCode, status_word
from snapshots.operations.transitions import Move, Outcome

# Statuses as `status_word` spells them: EVS's words, then those of Cinder.
WORKING = frozenset({"rollbacking", "reverting", "restoring"})
MAY_BE_REPEATED = "error-rollbacking"
ERROR = "error"
# The volume may be attached again before the portal looks; while it is rolled back it cannot be.
AT_REST = frozenset({"available", "in-use"})
READY = "available"


@dataclass(frozen=True, slots=True)
class Statuses:
    """Those of the snapshot and its volume, which together tell how far a rollback is."""

    snapshot: str
    volume: str

    @classmethod
    def of(cls, snapshot: CloudSnapshot, volume: CloudVolume) -> "Statuses":
        return cls(status_word(snapshot.status), status_word(volume.status))

    @property
    def is_working(self) -> bool:
        return bool(WORKING & {self.snapshot, self.volume})

    @property
    def is_at_rest(self) -> bool:
        return self.snapshot == READY and self.volume in AT_REST

    def differ_from(self, start: str) -> bool:
        """Whether something was done since the volume had the status `start`, beside its being
        attached.
        """
        is_as_before = self.volume == start or {self.volume, start} <= AT_REST
        return self.snapshot != READY or not is_as_before

    def end(self, volume_id: str) -> Move | None:
        """The last move of a rollback that began. None: the cloud works on it, or shows a status
        never seen before.
        """
        if self.is_working:
            return None
        if self.is_at_rest:
            done = Outcome(code=OutcomeCode.READY)
            return Move(to=OperationState.SUCCEEDED, outcome=done)
        return self._failure(volume_id)

    def _failure(self, volume_id: str) -> Move | None:
        if self.volume == MAY_BE_REPEATED:
            code = OutcomeCode.ROLLBACK_FAILED
        elif ERROR in {self.volume, self.snapshot}:
            code = OutcomeCode.REVERT_FAILED
        else:
            return None
        status = self.volume if self.volume != READY else self.snapshot
        values = {"status": status.replace("-", "_"), "copy": revert_copy_of(volume_id)}
        return Move(to=OperationState.FAILED, outcome=Outcome(code=code, values=values))


def mark_of(snapshot: CloudSnapshot, volume: CloudVolume) -> str:
    """When the cloud changed either of them last, and what of the snapshot people change; "" where
    the cloud does not say when.
    """
    if snapshot.updated_at is None or volume.updated_at is None:
        return ""
    content = [snapshot.name, snapshot.description, sorted(snapshot.metadata.items())]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return f"{max(snapshot.updated_at, volume.updated_at).isoformat()} {digest[:32]}"


def has_worked_since(mark: str, snapshot: CloudSnapshot, volume: CloudVolume) -> bool:
    """Whether both were changed since, and the snapshot not by people: a plain Cinder notes in both
    when it restores one, which may be over before anybody looks (docs/evs-api.md, Dialects). A
    backup of the snapshot changes the snapshot alone.
    """
    if not mark or snapshot.updated_at is None or volume.updated_at is None:
        return False
    at, _, content = mark.partition(" ")
    is_alike = mark_of(snapshot, volume).partition(" ")[2] == content
    changed_at = min(snapshot.updated_at, volume.updated_at)
    return is_alike and datetime.fromisoformat(at) < changed_at
