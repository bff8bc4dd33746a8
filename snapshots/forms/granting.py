"""The forms that give grants: of volumes by id, by a rule, of a whole cloud."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.forms.problems import WithProblems
from snapshots.forms.typed_names import how_to_type, is_typed
from snapshots.models import RULE_COLUMNS, CloudHealth, GrantScope, VolumeGrant
from snapshots.models.directions import isolated
from snapshots.operations.people import OWN_RIGHTS_REFUSAL
from snapshots.rights.grants import end_of_day
from snapshots.rights.rules import says_nothing

MOST_VOLUMES = 400  # in one form: each is a field of it
_BETWEEN_IDS = re.compile(r"[\s,;]+")


def shown_cloud(name: str) -> str:
    """The cloud that a page shows as chosen: this one, where there is one, else the first."""
    names = clouds.cloud_names()
    return name if name in names else next(iter(names), "")


def ids_by_line(text: str) -> Iterator[tuple[int, str]]:
    """The ids of a pasted text, apart from each other by white space, commas or semicolons, each
    with its line from 1.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        for volume_id in _BETWEEN_IDS.split(line):
            if volume_id:
                yield number, volume_id


def unknown_volume(cloud: str) -> str:
    """Before its volumes were read for the first time, nothing is known of what the cloud has."""
    if CloudHealth.objects.filter(cloud=cloud, inventory_at__isnull=False).exists():
        return _("This cloud has no such volume. Copy its id from Volumes.")
    return _(
        "The volumes of this cloud are not read yet. See Volumes: when it is listed there, send"
        " this again."
    )


class GrantForm(WithProblems, forms.Form):
    """To whom, in which cloud, until when."""

    person = forms.CharField(
        label=gettext_lazy("Person"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("The name that they sign in with. Leave it empty for a group."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    group = forms.ModelChoiceField(
        Group.objects.order_by("name"),
        label=gettext_lazy("Or a group"),
        required=False,
        empty_label=gettext_lazy("No group"),
    )
    cloud = forms.ChoiceField(
        label=gettext_lazy("Cloud"), choices=lambda: [(name, name) for name in clouds.cloud_names()]
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The whole day, in UTC. Empty: it has no end."),
    )

    def __init__(self, *args: Any, people: QuerySet[User], by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people, self._by = people, by
        self.tries_own_rights = False

    def clean_person(self) -> User | None:
        name = self.cleaned_data["person"]
        if not name:
            return None
        person = self._people.filter(username=name).first()
        if person is None:
            raise ValidationError(_("Nobody here has this name. See People."))
        return person

    def clean_last_day(self) -> datetime | None:
        day = self.cleaned_data["last_day"]
        if day is None:
            return None
        if day.year > timezone.now().year + 100:
            raise ValidationError(_("Choose an earlier day."))
        until = end_of_day(day)
        if until <= timezone.now():
            raise ValidationError(_("This day is over."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        has_person = bool(cleaned.get("person")) or "person" in self.errors
        if has_person == bool(cleaned.get("group")):
            self.add_error("person", _("Choose a person or a group, not both."))
        self.tries_own_rights = self._is_own(cleaned.get("person"), cleaned.get("group"))
        if self.tries_own_rights:
            raise ValidationError(OWN_RIGHTS_REFUSAL)
        return cleaned

    def _is_own(self, person: User | None, group: Group | None) -> bool:
        is_member = group is not None and self._by.groups.filter(pk=group.pk).exists()
        return person == self._by or is_member

    def new_grant(self, **columns: Any) -> VolumeGrant:
        """Not stored."""
        return VolumeGrant(
            user=self.cleaned_data.get("person"),
            group=self.cleaned_data.get("group"),
            cloud=self.cleaned_data["cloud"],
            until=self.cleaned_data.get("last_day"),
            **columns,
        )

    @property
    def holder(self) -> str:
        """The name of who gets it."""
        holder = self.cleaned_data.get("person") or self.cleaned_data.get("group")
        return isolated(str(holder))


class VolumesForm(GrantForm):
    """The volumes themselves are no fields: see `views/granting.py`."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    ids = forms.CharField(
        label=gettext_lazy("Or paste volume ids"),
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy("Apart by spaces, commas or new lines."),
    )

    def grants(self, volume_ids: Iterable[str]) -> list[VolumeGrant]:
        return [self.new_grant(scope=GrantScope.VOLUME, volume_id=key) for key in volume_ids]


class TypedCloudForm(GrantForm):
    """With the cloud's name, typed to confirm that every volume is meant."""

    typed_cloud = forms.CharField(
        label=gettext_lazy("The cloud's name"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def check_typed(self) -> None:
        cloud = self.cleaned_data.get("cloud")
        typed = self.cleaned_data.get("typed_cloud", "")
        if cloud and not is_typed(typed, cloud, cloud):
            self.add_error("typed_cloud", how_to_type(cloud, cloud))


class CloudForm(TypedCloudForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_typed()
        return cleaned

    def grant(self) -> VolumeGrant:
        return self.new_grant(scope=GrantScope.CLOUD, volume_id="")


def _condition(label: Any, help_text: Any = "", *, longest: int = 255) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=longest,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class RuleForm(TypedCloudForm):
    """All conditions that are filled in must hold."""

    name_pattern = _condition(
        gettext_lazy("Name"),
        gettext_lazy("* stands for any characters, ? for one: web-*. Case makes no difference."),
    )
    server_id = _condition(gettext_lazy("Attached to the server with the id"), longest=64)
    metadata_key = _condition(gettext_lazy("Metadata or tag: key"))
    metadata_value = _condition(
        gettext_lazy("Metadata or tag: value"), gettext_lazy("* for any value.")
    )
    volume_type = _condition(gettext_lazy("Type"))
    availability_zone = _condition(gettext_lazy("Zone"))

    CONDITIONS = RULE_COLUMNS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        key, value = cleaned.get("metadata_key"), cleaned.get("metadata_value")
        if key and not value and "metadata_value" not in self.errors:
            self.add_error("metadata_value", _("Give the value too; * stands for any."))
        if value and not key and "metadata_key" not in self.errors:
            self.add_error("metadata_key", _("Give the key too."))
        if not any(self.data.get(name, "").strip() for name in self.CONDITIONS):
            self.add_error("name_pattern", _("Fill in at least one condition."))
        for name in self.CONDITIONS:
            if says_nothing(cleaned.get(name, "")):
                self.add_error(name, _("Write a letter, a digit or a sign that can be compared."))
        return cleaned

    def grant(self) -> VolumeGrant:
        conditions = {name: self.cleaned_data[name] for name in self.CONDITIONS}
        return self.new_grant(scope=GrantScope.RULE, volume_id=None, **conditions)

    @property
    def condition_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CONDITIONS]
