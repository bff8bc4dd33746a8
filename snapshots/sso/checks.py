"""System checks of the provider's settings. Whether it answers is seen at a sign-in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError

from snapshots.audit.record.account_names import role_confusion
from snapshots.models import Role
from snapshots.sso.metadata import is_configured, is_safe_address
from snapshots.sso.people import role_table

LONGEST_GROUP_NAME = 150
_HINT = "See docs/sign-in.md."


@register
def check_provider(**_kwargs: Any) -> list[CheckMessage]:
    """A sign-in by the provider is configured completely, or not at all."""
    errors = [Error(fault, hint=_HINT, id="evsportal.E030") for fault in _faults()]
    return [*errors, *_warnings()]


def _warnings() -> list[CheckMessage]:
    """A misspelt role is a group that nobody wanted."""
    named = {ours for theirs, ours in role_table() if theirs and ours} - set(Role.values)
    try:
        missing = named - set(Group.objects.filter(name__in=named).values_list("name", flat=True))
    except DatabaseError:
        return []  # no database, or no tables yet
    return [
        CheckWarning(
            f"EVSPORTAL_OIDC_ROLES: there is no role or group “{name}” yet.",
            hint="A sign-in makes the group. Roles are " + ", ".join(Role.values) + ".",
            id="evsportal.W024",
        )
        for name in sorted(missing)
    ]


def _faults() -> list[str]:
    issuer, client_id = settings.EVSPORTAL_OIDC_ISSUER, settings.EVSPORTAL_OIDC_CLIENT_ID
    faults = []
    if bool(issuer) != bool(client_id):
        faults.append("EVSPORTAL_OIDC_ISSUER and EVSPORTAL_OIDC_CLIENT_ID go together.")
    if issuer and not is_safe_address(issuer):
        faults.append(f"EVSPORTAL_OIDC_ISSUER is {issuer!r}; write an https address.")
    authorities = settings.EVSPORTAL_OIDC_CA
    if authorities and not Path(authorities).is_file():
        faults.append(f"EVSPORTAL_OIDC_CA: there is no file {authorities}.")
    if any(not theirs or not ours for theirs, ours in role_table()):
        faults.append("EVSPORTAL_OIDC_ROLES: write rows as their-group=role.")
    for ours in sorted({ours for _theirs, ours in role_table()}):
        if len(ours) > LONGEST_GROUP_NAME:
            faults.append(f"EVSPORTAL_OIDC_ROLES: {ours[:20]}… is longer than a group's name.")
        elif confusion := role_confusion(ours):
            faults.append(f"EVSPORTAL_OIDC_ROLES: {confusion}.")
    if settings.EVSPORTAL_OIDC_ROLES and not is_configured():
        faults.append("EVSPORTAL_OIDC_ROLES is set, and no provider is.")
    return faults
