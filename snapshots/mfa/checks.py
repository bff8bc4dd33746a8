"""A system check of the roles that need a second factor."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from snapshots.models import Role


@register
def check_roles(**_kwargs: Any) -> list[CheckMessage]:
    """A misspelt role would demand nothing of anybody."""
    unknown = sorted(set(settings.EVSPORTAL_SECOND_FACTOR_ROLES) - set(Role))
    if not unknown:
        return []
    sentence = f"EVSPORTAL_SECOND_FACTOR_ROLES: there is no role {', '.join(unknown)}."
    return [Error(sentence, hint=f"Roles are {', '.join(Role)}.", id="evsportal.E031")]
