"""What the list of people is narrowed by."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy

from snapshots.forms.filters import SearchForm
from snapshots.models import Role
from snapshots.selectors.grants import ACTIVE, NOBODY, SHUT_OUT


class PeopleFilterForm(SearchForm):
    """Every field may stay empty; nonsense matches nobody."""

    group = forms.CharField(
        label=gettext_lazy("Role or group"), required=False, max_length=150, widget=forms.Select()
    )
    state = forms.CharField(
        label=gettext_lazy("Account"),
        required=False,
        max_length=20,
        widget=forms.Select(
            choices=[
                ("", gettext_lazy("Any")),
                (ACTIVE, gettext_lazy("Active")),
                (SHUT_OUT, gettext_lazy("Shut out")),
            ]
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(Role.choices)
        names = Group.objects.order_by("name").values_list("name", flat=True)
        choices = [("", gettext_lazy("Any")), *((name, labels.get(name, name)) for name in names)]
        self.fields["group"].widget = forms.Select(choices=choices)

    def filtered(self) -> dict[str, str]:
        self.is_valid()
        cleaned = self.cleaned_data
        return {
            "text": cleaned.get("q", ""),
            "group": cleaned.get("group", ""),
            "state": NOBODY if self.errors.keys() & {"group", "state"} else cleaned["state"],
        }
