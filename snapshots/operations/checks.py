"""The system check of the names that forms fill in."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from snapshots.operations.names import template_problem


@register
def check_name_template(**_kwargs: Any) -> list[CheckMessage]:
    """Every place in it can be filled."""
    problem = template_problem(settings.EVSPORTAL_NAME_TEMPLATE)
    if not problem:
        return []
    sentence = f"EVSPORTAL_NAME_TEMPLATE cannot be used: {problem}."
    hint = "Write it like {volume}-{date}-{time}: docs/settings.md."
    return [Error(sentence, hint=hint, id="evsportal.E045")]
