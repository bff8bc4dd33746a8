"""What every form for a change of a snapshot has."""

import uuid
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from snapshots import clouds
from snapshots.evs.limits import PROFILES, LimitsProfile
from snapshots.forms.request import RequestForm
from snapshots.forms.seen import Difference, Facts, differences, facts_of, read, written
from snapshots.localized import listed
from snapshots.models import Operation, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation


class ChangeForm(RequestForm):
    """What is asked for a snapshot that is there.

    The form keeps what its page showed. Where that is not so any more, nothing is asked: the form
    comes again with what has changed, and with what was typed for it.
    """

    # Fields of every request that this one has not.
    left_out: ClassVar[tuple[str, ...]] = ()
    note: ClassVar[str | Promise] = ""  # what people must know before they ask
    compares_typed: ClassVar[bool] = False  # it changes facts that may change elsewhere
    # What its page showed: `seen_text`.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, requester: User, snapshot: Snapshot, volume: Volume, **kwargs: Any
    ) -> None:
        self.snapshot, self.volume = snapshot, volume
        self.differences: list[Difference] = []  # to what the page showed
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

    @classmethod
    def facts_of(cls, snapshot: Snapshot, volume: Volume) -> dict[str, str]:
        """What the page shows, and people decide by."""
        return facts_of(snapshot)

    def ask(
        self, *, requester: User, key: uuid.UUID, arguments: OperationArguments
    ) -> tuple[Operation, bool]:
        """Record what a valid form asks for. Returns and raises as `ask_for_operation` does."""
        return ask_for_operation(requester=requester, key=key, arguments=arguments)

    @property
    def limits(self) -> LimitsProfile:
        return PROFILES[clouds.profile_name(self.snapshot.cloud)]

    @property
    def facts(self) -> dict[str, str]:
        return self.facts_of(self.snapshot, self.volume)

    @property
    def seen_text(self) -> str:
        """For the field `seen`. A page that comes again only for its rows has compared nothing."""
        return str(self.initial.get("seen", written(self.facts)))

    # --- checks ------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        before = read(str(self.cleaned_data.get("seen", "")))
        if before != self.facts:
            self._come_again(before)
        return super().clean()

    def _come_again(self, before: Facts | None) -> None:
        if before is None:
            message = _("This form was damaged on its way. Nothing was asked. Look at it again.")
        else:
            self.differences = differences(before, self.facts, self.typed_facts())
            message = _(
                "Somebody or something has changed this since the page was opened: {what}. Nothing "
                "was asked. Look at it again below, and send it if it is still what you want."
            ).format(what=listed(str(difference.label) for difference in self.differences))
        self.add_error(None, message)
        as_sent = {name: self.data[name] for name in self.data}
        self.data = as_sent | self.refill(before or {})

    def typed_facts(self) -> Facts:
        """What was typed for the facts that the form changes."""
        return {}

    def refill(self, before: Facts) -> dict[str, str]:
        """The fields that hold something else when the form comes again: what was typed stays, what
        was only shown becomes what is so now. `before`: the facts that it was filled with.
        """
        return {}
