"""The form that renames a snapshot."""

from typing import Any

from django.utils.translation import gettext as _

from snapshots.forms.change import ChangeForm
from snapshots.models import Snapshot


class RenameForm(ChangeForm):
    """Another name and description."""

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        return {"name": snapshot.name, "description": snapshot.description}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "name" in cleaned and "description" in cleaned and not self._is_a_change(cleaned):
            self.add_error("name", _("The snapshot has this name and description already."))
        return cleaned

    def _is_a_change(self, cleaned: dict[str, Any]) -> bool:
        texts = (cleaned["name"] or "", cleaned["description"] or "")
        return texts != (self.snapshot.name, self.snapshot.description)
