"""The form that renames a snapshot."""

from typing import Any

from django.utils.translation import gettext as _

from snapshots.forms.change import ChangeForm
from snapshots.forms.seen import DESCRIPTION, NAME, Facts, as_typed
from snapshots.models import Snapshot


class RenameForm(ChangeForm):
    """Another name and description."""

    compares_typed = True

    @classmethod
    def initial_of(cls, snapshot: Snapshot) -> dict[str, str]:
        return {"name": snapshot.name, "description": snapshot.description}

    def typed_facts(self) -> Facts:
        return {name: str(self.data.get(name, "")) for name in (NAME, DESCRIPTION)}

    def refill(self, before: Facts) -> dict[str, str]:
        return {
            name: self.facts[name]
            for name, text in self.typed_facts().items()
            if name in before and as_typed(before[name]).strip() == text.strip()
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        is_whole = "name" in cleaned and "description" in cleaned
        if is_whole and not self.differences and not self._is_a_change(cleaned):
            self.add_error("name", _("The snapshot has this name and description already."))
        return cleaned

    def _is_a_change(self, cleaned: dict[str, Any]) -> bool:
        texts = (cleaned["name"] or "", cleaned["description"] or "")
        return texts != (self.snapshot.name, self.snapshot.description)
