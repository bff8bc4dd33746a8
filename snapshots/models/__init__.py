"""The portal's tables."""

from snapshots.models.account_names import AccountName
from snapshots.models.actions import REFUSAL_CODES, Action, ActionCode
from snapshots.models.claims import Claimable, Duty, Worker
from snapshots.models.database_use import DatabaseUse, is_of_another_mode, mark_database
from snapshots.models.exchanges import (
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    Answer,
    Exchange,
)
from snapshots.models.finding import Entry, EntryKind
from snapshots.models.grants import RULE_COLUMNS, GrantMatch, GrantScope, VolumeGrant
from snapshots.models.insert_only import InsertOnly, InsertOnlyError
from snapshots.models.kinds import (
    BACKGROUND,
    COMPARED_PURPOSES,
    CONTENT_KINDS,
    SENDING_PURPOSES,
    OperationKind,
    Purpose,
    Target,
    TargetKind,
    purpose_label,
)
from snapshots.models.mirrors import (
    FORCE_STATUSES,
    CloudHealth,
    CloudTrouble,
    Quota,
    Volume,
    status_word,
)
from snapshots.models.one_time_passwords import OneTimePassword
from snapshots.models.operations import (
    ASKABLE_AGAIN,
    BUSY,
    FINAL,
    LONG_UNKNOWN,
    MARKER,
    OPEN,
    OWN_RIGHTS,
    Operation,
    OperationState,
    right_label,
)
from snapshots.models.outcome_codes import OutcomeCode
from snapshots.models.people import (
    Role,
    roles_of,
)
from snapshots.models.preferences import Density, Preferences
from snapshots.models.pushes import Pushed
from snapshots.models.quota_days import QuotaDay
from snapshots.models.refusal_counts import RefusalCount
from snapshots.models.seals import Seal, Tombstone
from snapshots.models.servers import Server
from snapshots.models.sessions import OpenSession
from snapshots.models.sign_in_brakes import SignInBrake
from snapshots.models.sign_ins import SignInAttempt, SignInPermit
from snapshots.models.snapshots import Maker, Snapshot, watched_snapshot
from snapshots.models.tallies import ExchangeTally, OperationTally
from snapshots.models.versions import Version

__all__ = [
    "ASKABLE_AGAIN",
    "BACKGROUND",
    "BUSY",
    "COMPARED_PURPOSES",
    "CONTENT_KINDS",
    "FINAL",
    "FORCE_STATUSES",
    "LONG_UNKNOWN",
    "MARKER",
    "OPEN",
    "OWN_RIGHTS",
    "REFUSAL_CODES",
    "RULE_COLUMNS",
    "SENDING_PURPOSES",
    "AccountName",
    "Action",
    "ActionCode",
    "Anomaly",
    "AnomalyKind",
    "AnomalyMessage",
    "Answer",
    "Claimable",
    "CloudHealth",
    "CloudTrouble",
    "DatabaseUse",
    "Density",
    "Duty",
    "Entry",
    "EntryKind",
    "Exchange",
    "ExchangeTally",
    "GrantMatch",
    "GrantScope",
    "InsertOnly",
    "InsertOnlyError",
    "Maker",
    "OneTimePassword",
    "OpenSession",
    "Operation",
    "OperationKind",
    "OperationState",
    "OperationTally",
    "OutcomeCode",
    "Preferences",
    "Purpose",
    "Pushed",
    "Quota",
    "QuotaDay",
    "RefusalCount",
    "Role",
    "Seal",
    "Server",
    "SignInAttempt",
    "SignInBrake",
    "SignInPermit",
    "Snapshot",
    "Target",
    "TargetKind",
    "Tombstone",
    "Version",
    "Volume",
    "VolumeGrant",
    "Worker",
    "is_of_another_mode",
    "mark_database",
    "purpose_label",
    "right_label",
    "roles_of",
    "status_word",
    "watched_snapshot",
]
