"""The form of each kind of operation that changes a snapshot: a new kind has an entry here."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User

from snapshots.forms.change import ChangeForm
from snapshots.forms.deleting import DeleteForm
from snapshots.forms.renaming import RenameForm
from snapshots.forms.restore import RestoreForm
from snapshots.forms.rollback import RollbackForm
from snapshots.forms.snapshot_metadata import MetadataForm
from snapshots.models import OperationKind, Snapshot
from snapshots.selectors.changes import usable_volume_of

CHANGE_FORMS: Mapping[OperationKind, type[ChangeForm]] = {
    OperationKind.RENAME: RenameForm,
    OperationKind.METADATA: MetadataForm,
    OperationKind.DELETE: DeleteForm,
    OperationKind.ROLLBACK: RollbackForm,
    OperationKind.RESTORE: RestoreForm,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A change that people may ask for, or why not now."""

    kind: OperationKind
    why_not: str = ""


def offers_of(snapshot: Snapshot, requester: User) -> list[Offer]:
    """All changes of a snapshot for somebody who may ask for changes of it (`hindrance_of`)."""
    volume = usable_volume_of(snapshot, requester)
    if volume is None:
        return []
    return [
        Offer(kind, form.why_not(snapshot, volume, requester))
        for kind, form in CHANGE_FORMS.items()
    ]
