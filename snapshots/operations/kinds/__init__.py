"""The table of kinds. A new kind is a module here, an entry below, and its codes in `models`."""

from collections.abc import Mapping

from snapshots.models import Operation, OperationKind
from snapshots.operations.kinds.base import Kind
from snapshots.operations.kinds.create import CreateKind
from snapshots.operations.kinds.delete import DeleteKind
from snapshots.operations.kinds.metadata import MetadataKind
from snapshots.operations.kinds.rename import RenameKind
from snapshots.operations.kinds.restore import RestoreKind
from snapshots.operations.kinds.rollback import RollbackKind

KINDS: Mapping[OperationKind, Kind] = {
    kind.code: kind
    for kind in (
        CreateKind(),
        RenameKind(),
        MetadataKind(),
        DeleteKind(),
        RollbackKind(),
        RestoreKind(),
    )
}


def kind_of(operation: Operation) -> Kind:
    return KINDS[OperationKind(operation.kind)]
