"""System checks of the provider's settings. Whether it answers is seen at a sign-in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from snapshots.sso.metadata import is_configured, is_safe_address
from snapshots.sso.people import role_table

_HINT = "See docs/sign-in.md."


@register
def check_provider(**_kwargs: Any) -> list[CheckMessage]:
    """A sign-in by the provider is configured completely, or not at all."""
    return [Error(fault, hint=_HINT, id="evsportal.E030") for fault in _faults()]


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
    if settings.EVSPORTAL_OIDC_ROLES and not is_configured():
        faults.append("EVSPORTAL_OIDC_ROLES is set, and no provider is.")
    return faults
