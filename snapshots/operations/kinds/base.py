"""What a kind of operation has to say; everything else about operations is the same for all."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import User

from snapshots.evs.client import EvsClient
from snapshots.evs.types import CloudSnapshot, CloudVolume
from snapshots.models import Operation, OperationKind, Purpose, Snapshot, Volume
from snapshots.operations.decisions import Decision, Finding
from snapshots.operations.refusals import Refusal
from snapshots.operations.texts import Argument, KindTexts
from snapshots.rights.policy import Right, may


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of the cloud's snapshots showed about an accepted operation.

    `snapshot` is the watched snapshot as the cloud has it; None: it is not there, or
    `answered_with_another` is true. `marked` are the snapshots with the operation's mark.
    """

    snapshot: CloudSnapshot | None
    marked: Sequence[CloudSnapshot] = ()
    answered_with_another: bool = field(default=False, kw_only=True)
    # The volume that the kind watches beside the snapshot; None: it is gone, or it watches none.
    volume: CloudVolume | None = field(default=None, kw_only=True)
    volume_asked_at: datetime | None = field(default=None, kw_only=True)  # before it was read


class Kind(ABC):
    """A kind of operation.

    `send` is called at most once for an operation, unless the cloud provably executed nothing.
    After that its outcome is learnt by `look` (after an answer that proves nothing) and by
    `after_reading` (while the cloud still works on what it accepted).
    """

    code: ClassVar[OperationKind]
    purpose: ClassVar[Purpose]
    texts: ClassVar[KindTexts]
    right: ClassVar[Right] = Right.REQUEST  # needed besides the right to the volume
    ends_without_snapshot: ClassVar[bool] = False  # what is watched is to vanish
    looks_before_sending: ClassVar[bool] = False  # by `check`

    def refusal(self, requester: User, volume: Volume, snapshot: Snapshot | None) -> Refusal | None:
        """Why this person may not ask for it, by what the portal knows."""
        if not may(requester, self.right):
            return Refusal.NEEDS_RIGHT
        if snapshot is None:
            return None
        if (snapshot.cloud, snapshot.volume_id) != (volume.cloud, volume.volume_id):
            return Refusal.VOLUME_NOT_USABLE  # the right to one volume is none to another's
        if snapshot.is_systems:
            return Refusal.OF_SYSTEM
        return Refusal.SNAPSHOT_GONE if snapshot.gone_at is not None else None

    def check(self, client: EvsClient, operation: Operation) -> Decision:
        """Look in the cloud right before sending: with a move, it is not sent. Sends nothing that
        changes anything. Raises `EvsError`.
        """
        return Decision()

    @abstractmethod
    def send(self, client: EvsClient, operation: Operation) -> CloudSnapshot | CloudVolume | None:
        """Ask the cloud. Raises `EvsError`."""

    @abstractmethod
    def after_answer(
        self, operation: Operation, answer: CloudSnapshot | CloudVolume | None, *, now: datetime
    ) -> Decision:
        """What follows from the cloud's answer to `send`."""

    @abstractmethod
    def look(self, client: EvsClient, operation: Operation) -> Finding:
        """Look in the cloud for what became of an operation of unknown outcome. Sends nothing that
        changes anything. Raises `EvsError`.
        """

    def watched_volume_id(self, operation: Operation) -> str:
        """The volume that is read beside the snapshot while the cloud works on it; "" for none."""
        return ""

    def believes_list(self, listed: CloudSnapshot) -> bool:
        """Whether a row of a list tells enough of the watched snapshot. If not, the snapshot's own
        address is asked.
        """
        return True

    @abstractmethod
    def after_reading(
        self, operation: Operation, row: Snapshot, reading: Reading, *, now: datetime
    ) -> Decision:
        """What follows from a reading, `row` being the watched snapshot as it was read before."""

    @abstractmethod
    def obstacle(self, operation: Operation, volume: Volume) -> Refusal | None:
        """Why the same cannot be asked again now, by what the portal knows of the volume."""

    @abstractmethod
    def remarks(self, operation: Operation) -> list[str]:
        """Sentences about an operation that ended, beside its outcome."""

    @abstractmethod
    def arguments(self, operation: Operation) -> list[Argument]:
        """What was asked for, for people."""
