"""What is wrong with a form, for the summary above it."""

from django import forms
from django.utils.translation import gettext

from snapshots.evs.limits import Problem


class WithProblems(forms.BaseForm):
    """A form whose page lists its problems with links to the fields."""

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Each with the id of its field."""
        return [
            (str(self[name].id_for_label or self[name].auto_id), str(text))
            for name, texts in self.errors.items()
            if name in self.fields
            for text in texts
        ]


def problem_text(problem: Problem) -> str:
    """A problem of the limits in the language of the page."""
    values = dict(problem.values)
    if "what" in values:
        values["what"] = gettext(str(values["what"]))
    return gettext(problem.form).format(**values)
