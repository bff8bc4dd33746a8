"""What lists may be narrowed by."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import OperationState

STATES = [
    ("", gettext_lazy("Any state")),
    ("open", gettext_lazy("Unfinished")),
    *OperationState.choices,
]
STATUSES = [
    ("", gettext_lazy("Any")),
    ("2xx", gettext_lazy("2xx: it worked")),
    ("4xx", gettext_lazy("4xx: refused")),
    ("5xx", gettext_lazy("5xx: server trouble")),
    ("none", gettext_lazy("No answer")),
]


class SearchForm(forms.Form):
    """Free text."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
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
        label=gettext_lazy("State"),
        required=False,
        max_length=20,
        widget=forms.Select(choices=STATES),
    )

    def chosen_state(self) -> str:
        self.is_valid()
        return str(self.cleaned_data.get("state", ""))


class PeriodForm(forms.Form):
    """Days are whole days in UTC, the last one included; either may stay empty."""

    since = forms.DateField(
        label=gettext_lazy("From day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label=gettext_lazy("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_until(self) -> date | None:
        until: date | None = self.cleaned_data["until"]
        if until == date.max:
            raise ValidationError(_("Choose an earlier day."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("From day is after To day."))
        return cleaned


class AuditSearchForm(PeriodForm):
    """Every field may stay empty."""

    field_order = ["q", "actor", "volume", "operation", "status", "since", "until", "background"]
    q = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=20_000,  # `search` refuses what is too long, with its own words
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": 'ticket:CHG123 code:EVS.5400 "free text"'}
        ),
        help_text=gettext_lazy(
            "Words, “phrases in quotes”, and qualifiers: actor, actor-id, for, ticket, "
            "target, volume, operation, cloud, status (404, 4xx, >=400, none), code, kind, what, "
            "cause, on, since, until, before, after, background. A minus before a qualifier "
            "leaves it out."
        ),
    )
    actor = forms.CharField(label=gettext_lazy("Actor"), required=False, max_length=150)
    volume = forms.CharField(label=gettext_lazy("Volume"), required=False, max_length=255)
    operation = forms.CharField(label=gettext_lazy("Operation"), required=False, max_length=36)
    status = forms.CharField(
        label=gettext_lazy("Answer"),
        required=False,
        max_length=4,
        widget=forms.Select(choices=STATUSES),
    )
    background = forms.BooleanField(label=gettext_lazy("Background"), required=False)

    @property
    def narrows(self) -> bool:
        """Whether anything was asked."""
        return any(self.data.get(name) for name in self.fields)

    def query(self) -> str:
        """All that was asked, in the query language."""
        cleaned = self.cleaned_data
        named = {
            "actor": cleaned.get("actor"),
            "volume": cleaned.get("volume"),
            "operation": cleaned.get("operation"),
            "status": cleaned.get("status"),
            "since": cleaned.get("since"),
            "until": cleaned.get("until"),
            "background": "yes" if cleaned.get("background") else "",
        }
        terms = [f'{name}:"{value}"' for name, value in named.items() if value]
        return " ".join([*terms, cleaned.get("q", "")]).strip()
