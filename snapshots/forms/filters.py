"""What lists may be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import Maker, OperationState
from snapshots.selectors.operations import NEWEST_FIRST as NEWEST_REQUEST_FIRST
from snapshots.selectors.snapshots import AGES, GONE, NEWEST_FIRST, PRESENT_AND_GONE, Filter
from snapshots.selectors.volumes import BY_NAME

Text = str | Promise
STATES = [
    ("", gettext_lazy("Any state")),
    ("open", gettext_lazy("Unfinished")),
    *OperationState.choices,
]
STATUSES = [
    ("", gettext_lazy("Any")),
    ("2xx", gettext_lazy("2xx: it worked")),
    ("4xx", gettext_lazy("4xx: refused")),
    ("5xx", gettext_lazy("5xx: server error")),
    ("none", gettext_lazy("No answer")),
]
_VOLUME_SORTS = [
    ("volume", gettext_lazy("Volume, A to Z")),
    ("-volume", gettext_lazy("Volume, Z to A")),
]
_STATUS_SORTS = [
    ("status", gettext_lazy("Status, A to Z")),
    ("-status", gettext_lazy("Status, Z to A")),
]
SORTS = [
    (NEWEST_FIRST, gettext_lazy("Newest first")),
    ("created", gettext_lazy("Oldest first")),
    ("name", gettext_lazy("Name, A to Z")),
    ("-name", gettext_lazy("Name, Z to A")),
    *_VOLUME_SORTS,
    *_STATUS_SORTS,
]
FIRST_FIELDS = ("q", "status", "made_by", "older", "sort")
# The documented ones that people look for; the field takes any other in the address.
STATUS_WORDS = ("available", "creating", "deleting", "error", "error_deleting", "rollbacking")


def _choice(label: Any, choices: Any) -> forms.CharField:
    """A choice of which nonsense is no mistake of the person's: it matches nothing."""
    widget = forms.Select(choices=choices)
    return forms.CharField(label=label, required=False, max_length=80, widget=widget)


def _days(days: int) -> Text:
    return format_lazy(gettext_lazy("Older than {days} days"), days=days)


@dataclass(frozen=True, slots=True)
class Chip:
    """A field that narrows a list, and what it was set to, in words."""

    name: str
    label: Text
    text: Text


class NarrowingForm(forms.Form):
    """What a list is narrowed by."""

    def chips(self) -> list[Chip]:
        """The fields that were filled in: what came is told, also where it is refused."""
        return [
            Chip(field.name, field.label, self._label_of(field, str(value)))
            for field in self.visible_fields()
            if field.name != "sort" and (value := field.value())
        ]

    def _label_of(self, field: forms.BoundField, text: str) -> Text:
        if isinstance(field.field, forms.BooleanField):
            return gettext_lazy("yes")
        choices = getattr(field.field.widget, "choices", ())
        labels: dict[str, Text] = dict(choices)
        return labels.get(text, text)


class SearchForm(NarrowingForm):
    """Free text. With a field `sort`, also an order."""

    usual_order = ""
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

    def order(self) -> str:
        """One of the choices of `sort`: the list goes by the usual one where nonsense was asked."""
        self.is_valid()
        sort = str(self.cleaned_data.get("sort", ""))
        choices = getattr(self.fields["sort"].widget, "choices", ())
        return sort if sort in dict(choices) else self.usual_order


class VolumeFilterForm(SearchForm):
    """What the list of volumes is narrowed and ordered by."""

    usual_order = BY_NAME
    sort = _choice(
        gettext_lazy("Order"),
        [
            (BY_NAME, gettext_lazy("Name, A to Z")),
            ("-name", gettext_lazy("Name, Z to A")),
            ("-size", gettext_lazy("Largest first")),
            ("size", gettext_lazy("Smallest first")),
            *_STATUS_SORTS,
            ("type", gettext_lazy("Type, A to Z")),
            ("-type", gettext_lazy("Type, Z to A")),
            ("zone", gettext_lazy("Zone, A to Z")),
            ("-zone", gettext_lazy("Zone, Z to A")),
        ],
    )


class OperationFilterForm(SearchForm):
    """What the list of requests is narrowed and ordered by; `sees_all`: it has those of others."""

    usual_order = NEWEST_REQUEST_FIRST
    state = forms.CharField(
        label=gettext_lazy("State"),
        required=False,
        max_length=20,
        widget=forms.Select(choices=STATES),
    )
    sort = _choice(gettext_lazy("Order"), [])

    def __init__(self, *args: Any, sees_all: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_requester = [
            ("requester", gettext_lazy("Requester, A to Z")),
            ("-requester", gettext_lazy("Requester, Z to A")),
        ]
        choices = [
            (NEWEST_REQUEST_FIRST, gettext_lazy("Newest first")),
            ("asked", gettext_lazy("Oldest first")),
            *_VOLUME_SORTS,
            *(by_requester if sees_all else []),
        ]
        self.fields["sort"].widget = forms.Select(choices=choices)

    def chosen_state(self) -> str:
        self.is_valid()
        return str(self.cleaned_data.get("state", ""))


class SnapshotFilterForm(SearchForm):
    """What a list of snapshots is narrowed and ordered by. Every field may stay empty."""

    usual_order = NEWEST_FIRST
    cloud = _choice(gettext_lazy("Cloud"), [])
    volume = forms.CharField(label=gettext_lazy("Volume id"), required=False, max_length=64)
    status = _choice(
        gettext_lazy("Status"),
        [("", gettext_lazy("Any")), *((word, word) for word in STATUS_WORDS)],
    )
    made_by = _choice(gettext_lazy("Made by"), [("", gettext_lazy("Anybody")), *Maker.choices])
    older = _choice(
        gettext_lazy("Age"),
        [("", gettext_lazy("Any")), *((str(days), _days(days)) for days in AGES)],
    )
    owner = forms.CharField(label=gettext_lazy("For or by"), required=False, max_length=150)
    ticket = forms.CharField(label=gettext_lazy("Ticket"), required=False, max_length=80)
    presence = _choice(
        gettext_lazy("In the cloud"),
        [
            ("", gettext_lazy("Present")),
            (GONE, gettext_lazy("Deleted")),
            (PRESENT_AND_GONE, gettext_lazy("Present and deleted")),
        ],
    )
    sort = _choice(gettext_lazy("Order"), SORTS)

    def __init__(self, *args: Any, clouds: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(clouds) > 1 or self.data.get("cloud"):
            names = sorted({*clouds, self.data.get("cloud", "")} - {""})
            choices = [("", gettext_lazy("Every cloud")), *((name, name) for name in names)]
            self.fields["cloud"].widget = forms.Select(choices=choices)
        else:
            del self.fields["cloud"]
        self._offer_as_typed("status")

    def _offer_as_typed(self, name: str) -> None:
        """A cloud may have a word of its own for a status: the list of choices then has it too."""
        widget, text = self.fields[name].widget, self.data.get(name, "")
        if isinstance(widget, forms.Select) and text and text not in dict(widget.choices):
            widget.choices = [*widget.choices, (text, text)]

    @property
    def first_fields(self) -> list[forms.BoundField]:
        """Those that most people need."""
        return [self[name] for name in FIRST_FIELDS]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in FIRST_FIELDS]

    @property
    def uses_more_fields(self) -> bool:
        return any(field.value() or field.errors for field in self.more_fields)

    def chosen(self) -> Filter | None:
        """None where a field was refused: all snapshots would read as the answer."""
        if not self.is_valid():
            return None
        texts = {
            name: text for name, text in self.cleaned_data.items() if name not in {"q", "sort"}
        }
        return Filter(text=self.cleaned_data["q"], **texts)


class PeriodForm(NarrowingForm):
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
    def more_fields(self) -> list[forms.BoundField]:
        """Those beside the search, folded away."""
        return [self[name] for name in self.fields if name != "q"]

    @property
    def refuses_more_fields(self) -> bool:
        return any(field.errors for field in self.more_fields)

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
