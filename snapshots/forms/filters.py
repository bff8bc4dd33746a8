"""What lists may be narrowed by."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from snapshots.models import OperationState
from snapshots.selectors import ExchangeFilter

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


class ExchangeFilterForm(forms.Form):
    """Every field may stay empty; days are whole days in UTC, the last one included."""

    actor = forms.CharField(label="Actor", required=False, max_length=150)
    volume = forms.CharField(label="Volume", required=False, max_length=255)
    operation = forms.CharField(label="Operation", required=False, max_length=36)
    status = forms.CharField(
        label="Answer",
        required=False,
        max_length=4,
        widget=forms.Select(choices=STATUSES),
    )
    since = forms.DateField(
        label="From day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    background = forms.BooleanField(label="Background readings", required=False)

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

    @property
    def narrows(self) -> bool:
        """Whether anything was asked."""
        return any(self.data.get(name) for name in self.fields)

    def wanted(self) -> ExchangeFilter:
        """What to look for, of a valid form."""
        told = self.cleaned_data
        until = told.get("until")
        return ExchangeFilter(
            actor=told.get("actor", ""),
            volume=told.get("volume", ""),
            operation=told.get("operation", ""),
            status=told.get("status", ""),
            since=_midnight(told.get("since")),
            until=_midnight(until + timedelta(days=1) if until else None),
            background=told.get("background", False),
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None
