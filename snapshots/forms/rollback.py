"""The form that rolls a volume back to a snapshot."""

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.evs.dialects import RollbackCall
from snapshots.forms.change import ChangeForm
from snapshots.forms.request import Consent, Text
from snapshots.forms.seen import VOLUME_NAME, VOLUME_STATUS, Facts
from snapshots.forms.typed_names import how_to_type, is_typed
from snapshots.localized import sentences
from snapshots.models import Operation, Snapshot, Volume, status_word
from snapshots.operations.asking import OperationArguments, ask_after
from snapshots.operations.kinds.rollback import STARTS
from snapshots.operations.names import suggested_name
from snapshots.rights.policy import Right, may
from snapshots.selectors.preferences import viewer


class RollbackForm(ChangeForm):
    """What the volume holds now is destroyed, so the volume is named by typing."""

    left_out = ("name", "description")
    fresh_snapshot = Consent(
        label=gettext_lazy("Take a fresh snapshot of the volume first"),
        required=False,
        help_text=gettext_lazy(
            "It keeps what the volume holds now. Without it, that data cannot be brought back. If "
            "the fresh snapshot fails, nothing is rolled back."
        ),
    )
    typed_name = Text(
        label=gettext_lazy("Type the name of the volume"), required=False, strip=False
    )
    field_order = ["key", "fresh_snapshot", "typed_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        help_texts = [
            _(
                "All data on the volume is replaced by that of the snapshot; what was written "
                "since is lost."
            ),
            how_to_type(self.volume.name, self.volume.volume_id),
        ]
        if reason := self._why_no_fresh_snapshot():
            self.withdraw("fresh_snapshot", reason)
            help_texts.insert(0, reason)
        self.fields["typed_name"].help_text = sentences(help_texts)

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        return {"fresh_snapshot": "true"}

    @classmethod
    def facts_of(cls, snapshot: Snapshot, volume: Volume) -> dict[str, str]:
        of_volume = {VOLUME_NAME: volume.name, VOLUME_STATUS: volume.status}
        return super().facts_of(snapshot, volume) | of_volume

    def refill(self, before: Facts) -> dict[str, str]:
        """To be confirmed once more. The box may not have been offered before: it is ticked."""
        is_status_new = before.get(VOLUME_STATUS) != self.volume.status
        return {"typed_name": ""} | ({"fresh_snapshot": "true"} if is_status_new else {})

    @classmethod
    def why_not(cls, snapshot: Snapshot, volume: Volume, requester: User) -> str:
        if not may(requester, Right.ROLL_BACK):
            return _("Your role does not include this. Ask the helpdesk.")
        if snapshot.cloud not in clouds.cloud_names():
            return _("Its cloud is not in the portal's settings any more.")
        if status_word(snapshot.status) != "available":
            return _("Only an available snapshot can be put back; this one is “{status}”.").format(
                status=snapshot.status
            )
        call = clouds.rollback_call_of(snapshot.cloud)
        if status_word(volume.status) not in STARTS[call]:
            return _why_not_by_volume(volume)
        return _why_not_reverted(snapshot, volume) if call is RollbackCall.REVERT else ""

    def _why_no_fresh_snapshot(self) -> str:
        if clouds.rollback_call_of(self.snapshot.cloud) is RollbackCall.REVERT:
            return _(
                "This cloud rolls back only to the newest snapshot of a volume, so no fresh "
                "snapshot can be taken first: it would be the newest. To keep what the volume "
                "holds now, restore the snapshot into a new volume instead."
            )
        if not self.volume.takes_snapshot:
            return _("The volume is “{status}”, which does not allow a fresh snapshot now.").format(
                status=self.volume.status
            )
        return ""

    def clean_typed_name(self) -> str:
        text = str(self.cleaned_data["typed_name"])
        if not is_typed(text, self.volume.name, self.volume.volume_id):
            self.add_error(
                "typed_name", _("This is not the volume's name. Nothing was rolled back.")
            )
        return text

    def ask(
        self, *, requester: User, key: uuid.UUID, arguments: OperationArguments
    ) -> tuple[Operation, bool]:
        """With the fresh snapshot before it, where that is ticked."""
        if not self.cleaned_data.get("fresh_snapshot"):
            return super().ask(requester=requester, key=key, arguments=arguments)
        fresh = OperationArguments(
            volume=arguments.volume,
            name=suggested_name(arguments.volume, now=timezone.now(), zone=viewer().zone),
            description=_("Taken before a rollback"),
            on_behalf_of=arguments.on_behalf_of,
            ticket=arguments.ticket,
            reason=arguments.reason,
            called_no_secret=arguments.called_no_secret,
        )
        return ask_after(requester=requester, key=key, arguments=arguments, first=fresh)


def _why_not_by_volume(volume: Volume) -> str:
    if volume.needs_force:
        return _(
            "The volume is “{status}”. Shut the server down that uses it, detach the volume from "
            "the server in the cloud's console, wait until it is available here, and come back. "
            "Attach it again when the rollback is done."
        ).format(status=volume.status)
    return _("The volume must be available; it is “{status}”.").format(status=volume.status)


def _why_not_reverted(snapshot: Snapshot, volume: Volume) -> str:
    """A plain Cinder puts back only the newest snapshot, onto a volume of the same size."""
    of_volume = Snapshot.objects.present().filter(
        cloud=snapshot.cloud, volume_id=snapshot.volume_id
    )
    if of_volume.filter(listed_at__gt=snapshot.listed_at).exclude(pk=snapshot.pk).exists():
        return _(
            "This cloud rolls back only to the newest snapshot of a volume. Restore this one into "
            "a new volume instead."
        )
    if volume.size_gb != snapshot.size_gb:
        return _(
            "The volume does not have the size of the snapshot any more. Restore the snapshot "
            "into a new volume instead."
        )
    return ""
