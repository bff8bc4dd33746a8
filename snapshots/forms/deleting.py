"""The form that deletes a snapshot."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.forms.change import ChangeForm
from snapshots.forms.request import Text
from snapshots.models import Snapshot, Volume, status_word
from snapshots.operations.kinds.delete import DELETABLE


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
        if reason:
            help_text = _("{reason} Type “{name}” to confirm.")
            self.fields["typed_name"].help_text = help_text.format(
                reason=reason, name=self.snapshot.label
            )
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
        if not self._others_of_volume().exists():
            return _("It is the only snapshot of its volume.")
        if is_young(self.snapshot):
            days = settings.EVSPORTAL_DELETE_TYPED_DAYS
            return _("It is younger than {days} days.").format(days=days)
        return ""

    def _others_of_volume(self) -> Any:
        of_volume = Snapshot.objects.present().filter(
            cloud=self.snapshot.cloud, volume_id=self.snapshot.volume_id
        )
        return of_volume.exclude(pk=self.snapshot.pk)

    def clean_typed_name(self) -> str:
        text = str(self.cleaned_data["typed_name"])
        if text.strip() != self.snapshot.label.strip():
            self.add_error("typed_name", _("This is not its name. Nothing was deleted."))
        return text


def is_young(snapshot: Snapshot) -> bool:
    """Whether it is so new that deleting it asks for a confirmation."""
    days = settings.EVSPORTAL_DELETE_TYPED_DAYS
    return timezone.now() - snapshot.listed_at < timedelta(days=days)
