"""The form that changes a snapshot's metadata."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.evs.limits import PORTAL_KEY, SYSTEM_KEY_PREFIX
from snapshots.forms.change import ChangeForm
from snapshots.forms.metadata import MetadataRow, rows_of
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.models import Snapshot, Volume


class MetadataForm(FormWithMetadata, ChangeForm):
    """All entries that people may change, as rows. The portal's mark and the cloud's own entries
    are not among them, and are kept.
    """

    left_out = ("name", "description")
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

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        before = editable(self.snapshot)
        changed = {key: text for key, text in self.metadata.items() if before.get(key) != text}
        removed = sorted(before.keys() - self.metadata.keys())
        if not self.errors and not changed and not removed:
            self.add_error(None, _("The snapshot has exactly this metadata already."))
        cleaned["metadata"], cleaned["removed_keys"] = changed, removed
        return cleaned


def editable(snapshot: Snapshot) -> dict[str, str]:
    """The entries of its metadata that people may change."""
    return {
        key: text
        for key, text in sorted(snapshot.metadata.items())
        if key != PORTAL_KEY and not key.startswith(SYSTEM_KEY_PREFIX)
    }
