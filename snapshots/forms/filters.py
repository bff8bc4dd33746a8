"""What lists may be narrowed by."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from snapshots.models import OperationState

STATES = [("", "Any state"), ("open", "Unfinished"), *OperationState.choices]
STATUSES = [
    ("", "Any"),
    ("2xx", "2xx: it worked"),
    ("4xx", "4xx: refused"),
    ("5xx", "5xx: server trouble"),
    ("none", "No answer"),
]


class SearchForm(forms.Form):
    """Free text."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    def text(self) -> str:
        """What to look for; nothing where the text was refused."""
        self.is_valid()
        return str(self.cleaned_data.get("q", ""))


class OperationFilterForm(SearchForm):
    """Free text and a state."""

    state = forms.CharField(
        label="State", required=False, max_length=20, widget=forms.Select(choices=STATES)
    )

    def chosen_state(self) -> str:
        self.is_valid()
        return str(self.cleaned_data.get("state", ""))


class PeriodForm(forms.Form):
    """Days are whole days in UTC, the last one included; either may stay empty."""

    since = forms.DateField(
        label="From day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_until(self) -> date | None:
        until: date | None = self.cleaned_data["until"]
        if until == date.max:
            raise ValidationError("Choose an earlier day.")
        return until

    def clean(self) -> dict[str, Any]:
        told = self.cleaned_data
        since, until = told.get("since"), told.get("until")
        if since and until and since > until:
            self.add_error("until", "From day is after To day.")
        return told


class AuditSearchForm(PeriodForm):
    """Every field may stay empty."""

    field_order = ["q", "actor", "volume", "operation", "status", "since", "until", "background"]
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=20_000,  # `search` refuses what is too long, with its own words
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": 'ticket:CHG123 code:EVS.5400 "free text"'}
        ),
        help_text="Words, “phrases in quotes”, and qualifiers: actor, actor-id, for, ticket, "
        "target, volume, operation, cloud, status (404, 4xx, >=400, none), code, kind, what, "
        "cause, on, since, until, before, after, background. A minus before a qualifier leaves it "
        "out.",
    )
    actor = forms.CharField(label="Actor", required=False, max_length=150)
    volume = forms.CharField(label="Volume", required=False, max_length=255)
    operation = forms.CharField(label="Operation", required=False, max_length=36)
    status = forms.CharField(
        label="Answer",
        required=False,
        max_length=4,
        widget=forms.Select(choices=STATUSES),
    )
    background = forms.BooleanField(label="Background", required=False)

    @property
    def narrows(self) -> bool:
        """Whether anything was asked."""
        return any(self.data.get(name) for name in self.fields)

    def query(self) -> str:
        """All that was asked, in the query language."""
        told = self.cleaned_data
        named = {
            "actor": told.get("actor"),
            "volume": told.get("volume"),
            "operation": told.get("operation"),
            "status": told.get("status"),
            "since": told.get("since"),
            "until": told.get("until"),
            "background": "yes" if told.get("background") else "",
        }
        terms = [f'{name}:"{value}"' for name, value in named.items() if value]
        return " ".join([*terms, told.get("q", "")]).strip()
