"""Making and changing a person, their one-time password, and groups."""

import secrets
from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.forms.chosen import ChosenRows
from snapshots.forms.problems import WithProblems
from snapshots.forms.seen import digest_of
from snapshots.models import OWN_RIGHTS, Role, right_label
from snapshots.operations.people import NAMES, OWN_RIGHTS_REFUSAL, PersonChange

ROLE_FIELDS = ("roles", "teams", "is_superuser")
_NOT_ROLES = Group.objects.exclude(name__in=Role.values).order_by("name")
# No letters or digits that are taken for each other: it may be read out.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def suggested_password() -> str:
    """About 118 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _place in range(6)) for _part in range(4))


def _password_field(**options: Any) -> forms.CharField:
    # Its text can be read: the person who sets it has to pass it on.
    return forms.CharField(
        label=gettext_lazy("One-time password"),
        max_length=128,
        strip=False,
        widget=forms.TextInput(attrs=_PLAIN),
        **options,
    )


class PersonForm(WithProblems, forms.ModelForm):  # type: ignore[type-arg]
    """Names, address, roles and groups. `by`: the administrator."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    teams = ChosenRows(
        _NOT_ROLES,
        label=gettext_lazy("Groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = User
        fields = [*NAMES, "is_superuser"]
        field_classes = {"username": UsernameField}
        widgets = {"email": forms.TextInput(attrs={"inputmode": "email"})}
        labels = {"email": gettext_lazy("E-mail")}
        help_texts = {
            "username": gettext_lazy("Letters, digits and @ . + - _ only, at most 150."),
            "is_superuser": "",
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before = self.instance.pk and User.objects.get(pk=self.instance.pk)
        names = self._names()
        self.initial["roles"] = sorted(names & set(Role.values))
        self.initial["teams"] = list(_NOT_ROLES.filter(name__in=names).values_list("pk", flat=True))
        self.is_own = self.instance == by
        for name in NAMES:
            self.fields[name].widget.attrs |= _PLAIN
        if not by.is_superuser:
            del self.fields["is_superuser"]
        for name in ROLE_FIELDS:
            if name in self.fields:
                self.fields[name].disabled = self.is_own

    def _names(self) -> set[str]:
        if self.instance.pk is None:
            return set()
        return set(self.instance.groups.values_list("name", flat=True))

    @property
    def digest(self) -> str:
        """Of what the page showed."""
        if not self._before:
            return ""
        facts = {name: str(getattr(self._before, name)) for name in (*NAMES, "is_superuser")}
        return digest_of(facts | {"groups": "\n".join(sorted(self._names()))})

    @property
    def tries_own_rights(self) -> bool:
        """Whether fields were sent that the page does not offer."""
        return self.is_own and bool(self.data.keys() & set(ROLE_FIELDS))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.tries_own_rights:
            raise ValidationError(OWN_RIGHTS_REFUSAL)
        if self._before and self.data.get("seen") != self.digest:
            raise ValidationError(
                _(
                    "Somebody changed this person since you opened the page. What is below is what "
                    "you typed: look at the person's page, then send it again."
                )
            )
        return cleaned

    def change(self) -> PersonChange:
        """What was typed, as far as it differs from what is stored."""
        names = [name for name in (*NAMES, "is_superuser") if name in self.fields]
        facts = {name: self.cleaned_data[name] for name in names}
        teams = [group.name for group in self.cleaned_data["teams"]]
        chosen = {*self.cleaned_data["roles"], *teams}
        groups = list(Group.objects.filter(name__in=chosen))
        if not self._before:
            return PersonChange(None, facts, groups, self.cleaned_data["one_time_password"])
        changed = {
            name: value for name, value in facts.items() if getattr(self._before, name) != value
        }
        return PersonChange(self.instance.pk, changed, None if chosen == self._names() else groups)


class NewPersonForm(PersonForm):
    """With a one-time password, unless the provider or the directory signs the person in."""

    one_time_password = _password_field(
        required=False,
        initial=suggested_password,
        help_text=gettext_lazy(
            "Tell it to the person yourself: at the first sign-in, within 72 hours, they choose"
            " another. Empty: the account has no password here."
        ),
    )

    def clean_one_time_password(self) -> str:
        password: str = self.cleaned_data["one_time_password"]
        if password:
            names = ("username", "first_name", "last_name", "email")
            typed = User(**{name: self.cleaned_data.get(name, "") for name in names})
            validate_password(password, typed)
        return password


class OneTimePasswordForm(WithProblems, forms.Form):
    one_time_password = _password_field(initial=suggested_password)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person

    def clean_one_time_password(self) -> str:
        password: str = self.cleaned_data["one_time_password"]
        validate_password(password, self._person)
        return password


class RightsField(ChosenRows):
    """Rights by their names alone: Django's labels name the table first."""

    def label_from_instance(self, obj: Permission) -> str:
        return right_label(obj)


def _own_rights() -> QuerySet[Permission]:
    """The portal's own alone: Django's others decide nothing here."""
    names = [name for name, _label in OWN_RIGHTS]
    return Permission.objects.filter(content_type__app_label="snapshots", codename__in=names)


class GroupForm(WithProblems, forms.ModelForm):  # type: ignore[type-arg]
    """A team that shares volumes, and may have more rights than its members' roles. `by`: the
    administrator.
    """

    permissions = RightsField(
        queryset=None,
        label=gettext_lazy("What its members may do besides"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Group
        fields = ["name", "permissions"]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by, self.tries_own_rights = by, False
        self.fields["permissions"].queryset = _own_rights()  # type: ignore[attr-defined]
        self.fields["name"].widget.attrs |= _PLAIN

    def clean_permissions(self) -> QuerySet[Permission]:
        chosen: QuerySet[Permission] = self.cleaned_data["permissions"]
        is_own = self.instance.pk is not None and self._by.groups.contains(self.instance)
        stored = _own_rights().filter(group=self.instance) if is_own else chosen
        self.tries_own_rights = set(chosen) != set(stored)
        if self.tries_own_rights:
            raise ValidationError(OWN_RIGHTS_REFUSAL)
        return chosen
