"""The portal's tables."""

from snapshots.models.claims import Claimable, Duty, Worker
from snapshots.models.exchanges import (
    BACKGROUND,
    Anomaly,
    AnomalyKind,
    Answer,
    Exchange,
    InsertOnlyError,
    Purpose,
)
from snapshots.models.mirrors import CloudHealth, Quota, Snapshot, Volume, VolumeGrant
from snapshots.models.operations import (
    ASKABLE_AGAIN,
    BUSY,
    FINAL,
    MARKER,
    OPEN,
    Operation,
    OperationKind,
    OperationState,
)
from snapshots.models.people import (
    Role,
    may_administer,
    may_audit,
    may_request,
    may_request_for_others,
    roles_of,
    sees_every_operation,
)

__all__ = [
    "ASKABLE_AGAIN",
    "BACKGROUND",
    "BUSY",
    "FINAL",
    "MARKER",
    "OPEN",
    "Anomaly",
    "AnomalyKind",
    "Answer",
    "Claimable",
    "CloudHealth",
    "Duty",
    "Exchange",
    "InsertOnlyError",
    "Operation",
    "OperationKind",
    "OperationState",
    "Purpose",
    "Quota",
    "Role",
    "Snapshot",
    "Volume",
    "VolumeGrant",
    "Worker",
    "may_administer",
    "may_audit",
    "may_request",
    "may_request_for_others",
    "roles_of",
    "sees_every_operation",
]
