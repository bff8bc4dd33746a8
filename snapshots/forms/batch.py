"""The forms that ask for the same of several snapshots, and what they may do to each."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from snapshots import clouds
from snapshots.evs.limits import PROFILES, LimitsProfile, clean_metadata
from snapshots.forms.changes import CHANGE_FORMS
from snapshots.forms.deleting import is_young
from snapshots.forms.problems import problem_text
from snapshots.forms.request import RequestForm, Text
from snapshots.forms.seen import digest_of, editable
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.localized import sentences
from snapshots.models import OperationKind, Snapshot
from snapshots.models.directions import isolated
from snapshots.selectors.batches import (
    Choice,
    Selection,
    snapshots_named,
)
from snapshots.selectors.changes import hindrances_of, volumes_left_with_none

MOST_SNAPSHOTS = 100
NOT_FOUND = gettext_lazy("The portal does not know it, or you may not see it.")


def selection_of(
    texts: Sequence[str], seen: Sequence[str] | None, kind: OperationKind, user: User
) -> Selection:
    """What the person may do to the chosen snapshots. `seen`: each state that was confirmed, as
    `Choice.text_and_state`; None before anything was shown.
    """
    chosen = list(dict.fromkeys(texts))
    by_text = snapshots_named(chosen, user)
    hindrances, volumes = hindrances_of(list(by_text.values()), user)
    states = _states_by_text(seen or ())
    choices = []
    for text in chosen:
        snapshot = by_text.get(text)
        if snapshot is None:
            choices.append(Choice(text, None, why_not=NOT_FOUND))
        elif snapshot.pk in hindrances:
            choices.append(Choice(text, snapshot, why_not=hindrances[snapshot.pk].label))
        else:
            form, volume = CHANGE_FORMS[kind], volumes[snapshot.pk]
            state = digest_of(form.facts_of(snapshot, volume))
            why_not = form.why_not(snapshot, volume, user)
            is_confirmed = seen is None or states.get(text) == state
            choices.append(Choice(text, snapshot, volume, why_not, state, is_confirmed))
    confirmed = {choice.text for choice in choices if choice.is_confirmed and not choice.why_not}
    return Selection(choices, lost=len((states.keys() & set(chosen)) - confirmed))


def _states_by_text(seen: Sequence[str]) -> dict[str, str]:
    pairs = (text.partition(" ") for text in seen)
    return {text: state for state, _space, text in pairs}


class BatchForm(RequestForm):
    """What is asked for all of the chosen snapshots."""

    title: str | Promise = ""
    note: str | Promise = ""

    def __init__(self, *args: Any, requester: User, selection: Selection, **kwargs: Any) -> None:
        self.selection = selection
        super().__init__(*args, requester=requester, **kwargs)
        for name in ("name", "description"):
            del self.fields[name]

    @property
    def limits(self) -> LimitsProfile:
        """Of names and descriptions, which these forms have not."""
        return PROFILES[clouds.profile_name(self.selection.snapshots[0].cloud)]

    @property
    def heading(self) -> str:
        """What will happen, above the list of those that it happens to."""
        return ""

    @property
    def button(self) -> str:
        """What asks for it, with how many it is about."""
        return ""

    def clean(self) -> dict[str, Any]:
        if lost := self.selection.lost:
            message = ngettext(
                "{count} snapshot is not as it was when this page was opened. Nothing was asked "
                "yet. Look at the list again, and confirm what you want.",
                "{count} snapshots are not as they were when this page was opened. Nothing was "
                "asked yet. Look at the list again, and confirm what you want.",
                lost,
            )
            self.add_error(None, message.format(count=lost))
        elif not self.selection.confirmed:
            self.add_error(None, _("There is no snapshot left that this could be done to."))
        return super().clean()

    def arguments_for(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """What is asked for one of them; None: nothing needs to be done. Of a valid form."""
        return {}


class BatchDeleteForm(BatchForm):
    """Deletes all of them. Their number is typed where a name would be, for one alone."""

    title = gettext_lazy("Delete snapshots")
    note = CHANGE_FORMS[OperationKind.DELETE].note
    typed_count = Text(label=gettext_lazy("Number of snapshots to be deleted"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = self._why_typed()
        # What was typed on a page that asked for it is checked, though nothing asks for it now.
        if reasons or self.data.get("typed_count"):
            count = len(self.selection.confirmed)
            ask = _("Type {count} to confirm.").format(count=count)
            if self.selection.changed:
                ask = _("Type how many are to be deleted, with those that you tick.")
            self.fields["typed_count"].help_text = sentences([*reasons, ask])
            self.fields["typed_count"].widget.attrs["inputmode"] = "numeric"
            self.fields["typed_count"].widget.attrs["autocomplete"] = "off"
        else:
            del self.fields["typed_count"]

    @property
    def heading(self) -> str:
        count = len(self.selection.confirmed)
        return ngettext(
            "{count} snapshot will be deleted", "{count} snapshots will be deleted", count
        ).format(count=count)

    @property
    def button(self) -> str:
        count = len(self.selection.confirmed)
        if self.selection.changed:
            return _("Delete these snapshots")
        return ngettext("Delete {count} snapshot", "Delete {count} snapshots", count).format(
            count=count
        )

    def _why_typed(self) -> list[str]:
        """Of those that would be deleted, and of those that still could be chosen."""
        rows = [row.snapshot for row in self.selection.possible if row.snapshot is not None]
        reasons = []
        young = sum(map(is_young, rows))
        if young:
            text = ngettext(
                "{count} of them is younger than {days} days.",
                "{count} of them are younger than {days} days.",
                young,
            )
            days = settings.EVSPORTAL_DELETE_TYPED_DAYS
            reasons.append(text.format(count=young, days=days))
        emptied = len(volumes_left_with_none(rows)) if rows else 0
        if emptied:
            text = ngettext(
                "{count} volume would have no usable snapshot left.",
                "{count} volumes would have no usable snapshot left.",
                emptied,
            )
            reasons.append(text.format(count=emptied))
        return reasons

    def arguments_for(self, snapshot: Snapshot) -> dict[str, Any]:
        return {"leaves_another": "typed_count" not in self.fields}

    def clean_typed_count(self) -> str:
        text = str(self.cleaned_data["typed_count"])
        if text.strip() != str(len(self.selection.confirmed)):
            raise ValidationError(_("This is not their number. Nothing was deleted."))
        return text


class BatchMetadataForm(FormWithMetadata, BatchForm):
    """Adds entries to all of them, or replaces them. Removes none."""

    title = gettext_lazy("Change the metadata of snapshots")
    note = gettext_lazy(
        "The entries below are set on each snapshot. An entry with the same key is replaced; all "
        "others stay as they are."
    )

    @property
    def heading(self) -> str:
        count = len(self.selection.confirmed)
        return ngettext(
            "{count} snapshot will be changed", "{count} snapshots will be changed", count
        ).format(count=count)

    @property
    def button(self) -> str:
        count = len(self.selection.confirmed)
        if self.selection.changed:
            return _("Change these snapshots")
        return ngettext("Change {count} snapshot", "Change {count} snapshots", count).format(
            count=count
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        if not self.metadata:
            self.add_error(None, _("Fill in at least one row of metadata."))
        for snapshot in self.selection.snapshots:
            _merged, problems = clean_metadata(
                [*(editable(snapshot) | self.metadata).items()], refuse_astral=False
            )
            if problems:
                text = _("“{name}” cannot have all of these entries: {problem}")
                message = text.format(
                    name=isolated(snapshot.label), problem=problem_text(problems[0].problem)
                )
                self.add_error(None, message)
        if not self.errors and not any(map(self.arguments_for, self.selection.snapshots)):
            self.add_error(None, _("All of them have exactly this metadata already."))
        return cleaned

    def arguments_for(self, snapshot: Snapshot) -> dict[str, Any] | None:
        before = editable(snapshot)
        changed = {key: text for key, text in self.metadata.items() if before.get(key) != text}
        return {"metadata": changed} if changed else None


BATCH_FORMS: Mapping[OperationKind, type[BatchForm]] = {
    OperationKind.DELETE: BatchDeleteForm,
    OperationKind.METADATA: BatchMetadataForm,
}
