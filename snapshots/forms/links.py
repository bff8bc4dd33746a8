"""Links that fill in the form (docs/links.md): what they carry, and what of it does not fit."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from snapshots.forms.request import Consent
from snapshots.forms.snapshot import SnapshotForm
from snapshots.models.directions import isolated
from snapshots.selectors.picker import on_server

# What a link may carry, and the field that it fills.
PARAMETERS: Mapping[str, str] = {
    "volume": "volume_id",
    "ticket": "ticket",
    "on_behalf_of": "on_behalf_of",
    "reason": "reason",
    "name": "name",
}
LONGEST_SERVER = 255
TWICE = gettext_lazy("The link gives this more than once, so none was taken.")
LEFT_OUT = gettext_lazy("The link gives “{field}”, which is left out. {reason}")
NOT_ON_SERVER = gettext_noop("None of your volumes is attached to the server “{server}”.")
ON_ANOTHER = gettext_noop("This volume is not attached to the server “{server}” of the link.")


def given_in_link(query: QueryDict) -> dict[str, str]:
    """The fields that a link fills, blank ones too."""
    given = {field: query.get(name) for name, field in PARAMETERS.items() if name in query}
    return {field: str(text) for field, text in given.items()}


class LinkedForm(SnapshotForm):
    """A form that nobody sent yet. Only what a link gave is checked; nothing is asked."""

    def __init__(
        self, query: QueryDict, *, requester: User, key: str, remembered: Mapping[str, str]
    ) -> None:
        self.given = given_in_link(query)
        self.server = query.get("server", "").strip()[:LONGEST_SERVER]
        self.left_out: list[str] = []  # what was given for fields that are not offered
        self._twice = {
            field for name, field in PARAMETERS.items() if len(set(query.getlist(name))) > 1
        }
        texts = {**remembered, **self.given, **dict.fromkeys(self._twice, ""), "key": key}
        super().__init__(texts, requester=requester)
        only = self._only_volume_of_server()
        if only and not self.given.get("volume_id"):
            self.data = {**texts, "volume_id": only}

    def withdraw(self, name: str, reason: str) -> None:
        field = self.fields.pop(name)
        if self.given.get(name, "") not in Consent.NO:
            self.left_out.append(LEFT_OUT.format(field=field.label, reason=reason))

    @cached_property
    def _of_server(self) -> list[int]:
        return on_server(self.usable, self.server) if self.server else []

    def _only_volume_of_server(self) -> str:
        if len(self._of_server) != 1:
            return ""
        return str(self.usable.values_list("volume_id", flat=True).get(pk=self._of_server[0]))

    def full_clean(self) -> None:
        super().full_clean()
        given = {name for name, text in self.given.items() if text}
        for name in self.errors.keys() - given:
            del self.errors[name]
        for name in self._twice & self.fields.keys():
            self.add_error(name, TWICE)
        if self.server:
            self._check_server()

    def _check_server(self) -> None:
        sentence = ""
        if not self._of_server:
            sentence = _(NOT_ON_SERVER)
        elif self.volume is not None and self.volume.pk not in self._of_server:
            sentence = _(ON_ANOTHER)
        if sentence:
            self.add_error("volume_id", sentence.format(server=isolated(self.server)))

    def fill_in(self, **texts: str) -> None:
        """Fill in what the link left blank."""
        blank: dict[str, Any] = {
            name: text for name, text in texts.items() if not self[name].value()
        }
        self.data = {**self.data, **blank}
