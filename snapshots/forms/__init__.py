"""What input is acceptable, told without asking anybody but our own tables."""

from snapshots.forms.ending import EndingForm
from snapshots.forms.filters import (
    AuditSearchForm,
    OperationFilterForm,
    PeriodForm,
    SearchForm,
    SnapshotFilterForm,
    VolumeFilterForm,
)
from snapshots.forms.links import LinkedForm, given_in_link
from snapshots.forms.metadata import (
    ROW_BUTTONS,
    MetadataRow,
    read_rows,
    rows_after_button,
    rows_of,
)
from snapshots.forms.request import new_key
from snapshots.forms.sign_in import PasswordForm, SignInForm
from snapshots.forms.snapshot import SnapshotForm

__all__ = [
    "ROW_BUTTONS",
    "AuditSearchForm",
    "EndingForm",
    "LinkedForm",
    "MetadataRow",
    "OperationFilterForm",
    "PasswordForm",
    "PeriodForm",
    "SearchForm",
    "SignInForm",
    "SnapshotFilterForm",
    "SnapshotForm",
    "VolumeFilterForm",
    "given_in_link",
    "new_key",
    "read_rows",
    "rows_after_button",
    "rows_of",
]
