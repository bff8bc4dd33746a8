"""How a person wants the pages to be."""

from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from snapshots.models import Density, Preferences
from snapshots.selectors.preferences import zone_names


def _zones() -> list[Any]:
    """UTC, then the zones of each part of the world."""
    named = sorted(name for name in zone_names() if "/" in name and not name.startswith("Etc/"))
    places = groupby(named, key=lambda name: name.partition("/")[0])
    groups = [(part, [(name, name.replace("_", " ")) for name in names]) for part, names in places]
    return [("UTC", "UTC"), *groups]


class LanguageSelect(forms.Select):
    """Each language by its own name, which is marked as a text of that language."""

    def create_option(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*arguments, **more)
        if option["value"]:
            option["attrs"]["lang"] = option["value"]
        return option


def _languages() -> list[Any]:
    return [("", _("As the browser asks")), *settings.LANGUAGES]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person may choose."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=_languages,
        widget=LanguageSelect,
        help_text=_("Pages and mail are written in it. What a cloud says stays as it came."),
    )
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zones,
        help_text=_("Pages show times of this zone, with UTC in the tooltip. Exports stay in UTC."),
    )
    density = forms.ChoiceField(
        label=_("Rows of lists"), choices=Density.choices, widget=forms.RadioSelect
    )
    shortcuts = forms.BooleanField(
        label=_("Keyboard shortcuts"),
        required=False,
        help_text=_("Single keys such as “n” for a new snapshot. “?” lists them."),
    )

    class Meta:
        model = Preferences
        fields = ["language", "zone", "density", "shortcuts"]
