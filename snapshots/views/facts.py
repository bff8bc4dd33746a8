"""The facts on the page of a request: what was asked for, and what the cloud kept otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from snapshots.models import MARKER, Operation, OperationKind, OperationState, Snapshot
from snapshots.operations.kinds import kind_of
from snapshots.operations.texts import Text
from snapshots.selectors.operations import is_changed_later


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that was asked for, and what the cloud kept instead; None: nothing else."""

    label: Text
    asked: str
    kept_value: str | None = None


def facts_of(operation: Operation, snapshot: Snapshot | None) -> list[Fact]:
    """Without what was left empty, unless the cloud has something there."""
    arguments = kind_of(operation).arguments(operation)
    if snapshot is None or not _is_comparable(operation, snapshot):
        return [Fact(label, value) for label, value, _kept_as in arguments if value]
    facts = [
        Fact(label, value, _kept_instead(snapshot, value, kept_as))
        for label, value, kept_as in arguments
    ]
    told_facts = [fact for fact in facts if fact.asked or fact.kept_value is not None]
    return [*told_facts, *_not_asked_for(operation, snapshot)]


def _is_comparable(operation: Operation, snapshot: Snapshot) -> bool:
    """Whether the snapshot must be as this request asked: a change must be done first."""
    is_made = operation.kind == OperationKind.CREATE
    is_done = is_made or operation.status is OperationState.SUCCEEDED
    return is_done and not is_changed_later(operation, snapshot)


def _kept_instead(snapshot: Snapshot, value: str, kept_as: str) -> str | None:
    where, _colon, key = kept_as.partition(":")
    if not where:
        return None
    kept_value: str = snapshot.metadata.get(key, "") if key else getattr(snapshot, where)
    return None if kept_value == value else kept_value


def _not_asked_for(operation: Operation, snapshot: Snapshot) -> Iterator[Fact]:
    """Metadata that the cloud added, less the portal's own mark, which is the operation's id."""
    if operation.kind != OperationKind.CREATE:
        return
    for key, text in snapshot.metadata.items():
        if key != MARKER and key not in operation.metadata:
            yield Fact(_("Metadata %(key)s") % {"key": key}, "", text)
