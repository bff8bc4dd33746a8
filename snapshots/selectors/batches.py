"""Snapshots by the texts in forms, and the operations that were asked for together."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.functional import Promise

from snapshots.models import Operation, OperationState, Snapshot, Volume
from snapshots.rights.visible import operations_visible_to, snapshots_visible_to

_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """A snapshot that was chosen, by the text of its box."""

    text: str
    snapshot: Snapshot | None  # None: the person sees no such snapshot
    volume: Volume | None = None  # that may be used
    why_not: str | Promise = ""  # it is left out
    state: str = ""  # its digest when it was looked up
    is_confirmed: bool = True  # as it is now

    @property
    def text_and_state(self) -> str:
        return f"{self.state} {self.text}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything that was chosen; `confirmed` is what would be asked for now."""

    choices: Sequence[Choice]
    lost: int = 0  # were confirmed, and have changed since

    @property
    def possible(self) -> list[Choice]:
        return [choice for choice in self.choices if not choice.why_not]

    @property
    def left_out(self) -> list[Choice]:
        return [choice for choice in self.choices if choice.why_not]

    @property
    def confirmed(self) -> list[Choice]:
        return [choice for choice in self.possible if choice.is_confirmed]

    @property
    def changed(self) -> list[Choice]:
        return [choice for choice in self.possible if not choice.is_confirmed]

    @property
    def snapshots(self) -> list[Snapshot]:
        """Those of `confirmed`."""
        return [choice.snapshot for choice in self.confirmed if choice.snapshot is not None]


def snapshots_named(texts: Sequence[str], user: User) -> dict[str, Snapshot]:
    """The snapshots that the person may see, by texts as `text_of` writes them; others are left
    out.
    """
    ids = {snapshot_id for text in texts for snapshot_id in _possible_ids(text)}
    if not ids:
        return {}
    visible = snapshots_visible_to(user).filter(snapshot_id__in=ids).select_related("operation")
    rows = {f"{row.cloud}/{row.snapshot_id}": row for row in visible}
    return {text: rows[text] for text in texts if text in rows}


def _possible_ids(text: str) -> Iterable[str]:
    """What stands behind each slash: clouds and ids may have slashes themselves."""
    if "\0" in text:
        return
    at = text.find("/")
    while at >= 0:
        if len(text) - at - 1 <= _LONGEST_ID:
            yield text[at + 1 :]
        at = text.find("/", at + 1)


def operations_of_batch(batch: uuid.UUID, user: User) -> QuerySet[Operation]:
    """Those that the person may see, in the order they were asked for."""
    operations = operations_visible_to(user).filter(batch=batch)
    return operations.select_related("snapshot", "target_snapshot").order_by("asked_at", "id")


WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
GROUPS = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
_GROUP_OF = {
    OperationState.QUEUED: WAITING,
    OperationState.SUCCEEDED: DONE,
    OperationState.CANCELLED: CANCELLED,
}


def counts_of(operations: Iterable[Operation]) -> Counter[str]:
    """How many wait, run, are done, failed or cancelled."""
    return Counter(
        _GROUP_OF.get(operation.status, FAILED if operation.is_final else RUNNING)
        for operation in operations
    )
