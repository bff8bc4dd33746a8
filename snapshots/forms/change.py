"""What every form for a change of a snapshot has."""

import hashlib
import json
import uuid
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from snapshots import clouds
from snapshots.evs.limits import PROFILES, LimitsProfile
from snapshots.forms.request import RequestForm
from snapshots.models import Operation, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation


class ChangeForm(RequestForm):
    """What is asked for a snapshot that is there."""

    # Fields of every request that this one has not.
    left_out: ClassVar[tuple[str, ...]] = ()
    note: ClassVar[str | Promise] = ""  # what people must know before they ask
    # What the snapshot was when the form was shown: `state_seen`.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, requester: User, snapshot: Snapshot, **kwargs: Any) -> None:
        self.snapshot = snapshot
        super().__init__(*args, requester=requester, **kwargs)
        for name in self.left_out:
            del self.fields[name]

    @classmethod
    def why_not(cls, snapshot: Snapshot, volume: Volume, requester: User) -> str:
        """Why this person cannot ask for it now, in a sentence; "" when they can."""
        return ""

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        """What the fields hold before anything is typed."""
        return {}

    def ask(
        self, *, requester: User, key: uuid.UUID, arguments: OperationArguments
    ) -> tuple[Operation, bool]:
        """Record what a valid form asks for. Returns and raises as `ask_for_operation` does."""
        return ask_for_operation(requester=requester, key=key, arguments=arguments)

    @property
    def limits(self) -> LimitsProfile:
        return PROFILES[clouds.profile_name(self.snapshot.cloud)]

    @property
    def state_seen(self) -> str:
        return state_of(self.snapshot)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("seen") not in {"", None, self.state_seen}:
            self.add_error(
                None,
                _(
                    "Somebody has changed the snapshot since this page was opened. It is called "
                    "“{name}” now. Check what you ask for, and send it again."
                ).format(name=self.snapshot.label),
            )
        return super().clean()


def state_of(snapshot: Snapshot) -> str:
    """A digest of what people see of a snapshot and may change."""
    state = [snapshot.name, snapshot.description, sorted(snapshot.metadata.items())]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
