"""What input is acceptable, told without asking anybody but our own tables."""

from snapshots.forms.ending import EndingForm
from snapshots.forms.filters import (
    AuditSearchForm,
    OperationFilterForm,
    PeriodForm,
    SearchForm,
    SnapshotFilterForm,
)
from snapshots.forms.metadata import (
    ROW_BUTTONS,
    MetadataRow,
    read_rows,
    rows_after_button,
    rows_of,
)
from snapshots.forms.request import new_key
from snapshots.forms.sign_in import PasswordForm, SignInForm
from snapshots.forms.snapshot import SnapshotForm, suggested_name

__all__ = [
    "ROW_BUTTONS",
    "AuditSearchForm",
    "EndingForm",
    "MetadataRow",
    "OperationFilterForm",
    "PasswordForm",
    "PeriodForm",
    "SearchForm",
    "SignInForm",
    "SnapshotFilterForm",
    "SnapshotForm",
    "new_key",
    "read_rows",
    "rows_after_button",
    "rows_of",
    "suggested_name",
]
