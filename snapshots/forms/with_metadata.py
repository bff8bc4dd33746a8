"""What every form with rows of metadata has."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from snapshots.evs.limits import clean_metadata
from snapshots.forms.metadata import MetadataRow, note_problems, unreadable_names
from snapshots.forms.request import RequestForm
from snapshots.forms.secrets import looks_secret
from snapshots.models.directions import isolated


class FormWithMetadata(RequestForm):
    """Asks for metadata, as rows that come and go; each problem is shown at its row."""

    def __init__(
        self, *args: Any, requester: User, rows: Sequence[MetadataRow] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, requester=requester, **kwargs)
        self.rows = list(rows) or [MetadataRow(0)]
        self.metadata: dict[str, str] = {}
        self.damage = ""  # what cannot be shown at any field

    def clean(self) -> dict[str, Any]:
        self._check_metadata()
        return super().clean()

    def _check_metadata(self) -> None:
        self.metadata, problems = clean_metadata(
            [(row.key, row.value) for row in self.rows],
            refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
        )
        note_problems(self.rows, problems)
        if problems:
            self.add_error(None, _("Some metadata needs a change."))  # said at its rows
        if strange := unreadable_names(self.data):
            self.damage = _(
                "Metadata came in a field the portal cannot read, “{name}”."
                " It is not in the rows below: add it again."
            ).format(name=isolated(strange[0][:50]))
            self.add_error(None, self.damage)

    def _check_secrets(self) -> None:
        super()._check_secrets()
        for row in self.rows:
            in_key, in_value = looks_secret(row.key), looks_secret(row.value, key=row.key)
            if in_key:
                self.warn_of_secret(in_key, at=row.key_errors)
            if in_value:
                self.warn_of_secret(in_value, at=row.value_errors)

    @property
    def has_metadata(self) -> bool:
        """Whether there is something to see in the rows."""
        typed = any(row.key or row.value or row.key_errors for row in self.rows)
        return typed or len(self.rows) > 1 or bool(self.damage)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every problem with the id of its field, in the page's order, for the summary."""
        rows = [
            (
                f"id_{name}",
                _("Metadata row {number}: {problem}").format(number=number, problem=text),
            )
            for number, row in enumerate(self.rows, start=1)
            for name, texts in (
                (row.key_name, row.key_errors),
                (row.value_name, row.value_errors),
            )
            for text in texts
        ]
        damage = [("metadata", self.damage)] if self.damage else []
        return super().problems + rows + damage
