"""Rows that a person ticks, by their keys."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LONGEST_KEY = 18  # digits: SQLite takes no number beyond 64 bits


class ChosenRows(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Refuses keys that no row can have, which Django would hand on to the database."""

    def clean(self, value: Any) -> Any:
        for key in value if isinstance(value, list | tuple) else ():
            if len(str(key)) > LONGEST_KEY:
                sentence = self.error_messages["invalid_choice"]
                raise ValidationError(sentence, "invalid_choice", {"value": str(key)[:40]})
        return super().clean(value)
