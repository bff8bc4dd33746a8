"""The form of each kind of operation that changes a snapshot: a new kind has an entry here."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from snapshots import clouds
from snapshots.evs.limits import PROFILES, LimitsProfile
from snapshots.forms.request import RequestForm
from snapshots.models import OperationKind, Snapshot


class ChangeForm(RequestForm):
    """What is asked for a snapshot that is there."""

    def __init__(self, *args: Any, requester: User, snapshot: Snapshot, **kwargs: Any) -> None:
        self.snapshot = snapshot
        super().__init__(*args, requester=requester, **kwargs)

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        """What the fields hold before anything is typed."""
        return {"name": snapshot.name, "description": snapshot.description}

    @property
    def limits(self) -> LimitsProfile:
        return PROFILES[clouds.profile_name(self.snapshot.cloud)]


class RenameForm(ChangeForm):
    """Another name and description."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "name" in cleaned and "description" in cleaned and not self._is_a_change(cleaned):
            self.add_error("name", _("The snapshot has this name and description already."))
        return cleaned

    def _is_a_change(self, cleaned: dict[str, Any]) -> bool:
        texts = (cleaned["name"] or "", cleaned["description"] or "")
        return texts != (self.snapshot.name, self.snapshot.description)


CHANGE_FORMS: Mapping[OperationKind, type[ChangeForm]] = {OperationKind.RENAME: RenameForm}
