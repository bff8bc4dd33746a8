"""The form that deletes a snapshot."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.forms.change import ChangeForm
from snapshots.forms.request import Text
from snapshots.forms.seen import STATUS, Facts
from snapshots.forms.typed_names import how_to_type, is_typed
from snapshots.localized import sentences
from snapshots.models import Operation, Snapshot, Volume, status_word
from snapshots.operations.asking import OperationArguments
from snapshots.operations.kinds.delete import DELETABLE
from snapshots.selectors.changes import volumes_left_with_none


class DeleteForm(ChangeForm):
    """Deleting cannot be undone, so a snapshot that may be needed is named by typing."""

    left_out = ("name", "description")
    note = gettext_lazy(
        "A deleted snapshot cannot be brought back. Volumes that were made from it stay. While "
        "something else depends on it, the cloud keeps it, and the request says so."
    )
    typed_name = Text(label=gettext_lazy("Type its name"), required=False, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self._why_typed()
        # What was typed on a page that asked for it is checked, though nothing asks for it now.
        if reason or self.data.get("typed_name"):
            how = how_to_type(self.snapshot.name, self.snapshot.snapshot_id)
            self.fields["typed_name"].help_text = sentences([reason, how])
        else:
            del self.fields["typed_name"]

    @classmethod
    def why_not(cls, snapshot: Snapshot, volume: Volume, requester: User) -> str:
        if status_word(snapshot.status) in DELETABLE:
            return ""
        return _(
            "A snapshot can be deleted while it is available or in error; this one is “{status}”."
        ).format(status=snapshot.status)

    def _why_typed(self) -> str:
        if volumes_left_with_none([self.snapshot]):
            return _("It is the only usable snapshot of its volume.")
        if is_young(self.snapshot):
            days = settings.EVSPORTAL_DELETE_TYPED_DAYS
            return _("It is younger than {days} days.").format(days=days)
        return ""

    def ask(
        self, *, requester: User, key: uuid.UUID, arguments: OperationArguments
    ) -> tuple[Operation, bool]:
        is_confirmed = "typed_name" in self.fields
        arguments = replace(arguments, leaves_another=not is_confirmed)
        return super().ask(requester=requester, key=key, arguments=arguments)

    @classmethod
    def facts_of(cls, snapshot: Snapshot, volume: Volume) -> dict[str, str]:
        return super().facts_of(snapshot, volume) | {STATUS: snapshot.status}

    def refill(self, before: Facts) -> dict[str, str]:
        """To be confirmed once more."""
        return {"typed_name": ""}

    def clean_typed_name(self) -> str:
        text = str(self.cleaned_data["typed_name"])
        if not is_typed(text, self.snapshot.name, self.snapshot.snapshot_id):
            self.add_error("typed_name", _("This is not its name. Nothing was deleted."))
        return text


def is_young(snapshot: Snapshot) -> bool:
    """Whether it is so new that deleting it asks for a confirmation."""
    days = settings.EVSPORTAL_DELETE_TYPED_DAYS
    return timezone.now() - snapshot.listed_at < timedelta(days=days)
