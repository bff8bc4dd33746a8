"""The form that changes a snapshot's metadata."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.forms.change import ChangeForm
from snapshots.forms.metadata import MetadataRow, rows_of, with_row_added
from snapshots.forms.seen import METADATA, Facts, as_typed, editable, entries_in
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.models import Snapshot, Volume


class MetadataForm(FormWithMetadata, ChangeForm):
    """All entries that people may change, as rows. The portal's mark and the cloud's own entries
    are not among them, and are kept.
    """

    left_out = ("name", "description")
    compares_typed = True
    note = gettext_lazy(
        "The entries below replace what people have set. What the cloud and this portal keep for "
        "themselves is not listed, and stays."
    )

    def __init__(
        self,
        *args: Any,
        requester: User,
        snapshot: Snapshot,
        rows: Sequence[MetadataRow] | None = None,
        **kwargs: Any,
    ) -> None:
        if rows is None:
            rows = rows_of(editable(snapshot))
        super().__init__(*args, requester=requester, snapshot=snapshot, rows=rows, **kwargs)

    @classmethod
    def why_not(cls, snapshot: Snapshot, volume: Volume, requester: User) -> str:
        if clouds.changes_metadata(snapshot.cloud):
            return ""
        return _("This cloud's interface cannot change the metadata of a snapshot.")

    def typed_facts(self) -> Facts:
        return {f"{METADATA}{row.key.strip()}": row.value for row in self.rows if row.key.strip()}

    def refill(self, before: Facts) -> dict[str, str]:
        """The entries as they are now, with what the person has changed: nobody's entry is removed
        whose row the person has not seen.
        """
        filled, now = entries_in(before), editable(self.snapshot)
        typed = {row.key.strip() for row in self.rows}
        self.rows = [row for row in self.rows if _is_kept(row, filled, now)]
        for row in self.rows:
            if _is_untouched(row, filled):
                row.value = now[row.key.strip()]
        for key, text in now.items():
            if key not in typed and key not in filled:
                self.rows = with_row_added(self.rows)
                self.rows[-1].key, self.rows[-1].value = key, text
        self.rows = self.rows or [MetadataRow(0)]
        return {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # The same entries as the form was filled with: otherwise it has errors.
        before = editable(self.snapshot)
        changed = {
            key: text
            for key, text in self.metadata.items()
            if key not in before or as_typed(before[key]) != text
        }
        removed = sorted(before.keys() - self.metadata.keys())
        if not self.errors and not changed and not removed:
            self.add_error(None, _("The snapshot has exactly this metadata already."))
        cleaned["metadata"], cleaned["removed_keys"] = changed, removed
        return cleaned


def _is_untouched(row: MetadataRow, filled: Facts) -> bool:
    key = row.key.strip()
    return key in filled and as_typed(filled[key]) == row.value


def _is_kept(row: MetadataRow, filled: Facts, now: Facts) -> bool:
    """Unless somebody else has removed what the person left as it was."""
    return row.key.strip() in now or not _is_untouched(row, filled)
