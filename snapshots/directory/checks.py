"""System checks of the directory's settings. Whether it answers is seen at a sign-in."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from snapshots.sso.people import read_table

_HINT = "See docs/sign-in.md."


@register
def check_directory(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.EVSPORTAL_LDAP_URL:
        return []
    return [Error(fault, hint=_HINT, id="evsportal.E032") for fault in _faults()]


def _faults() -> list[str]:
    faults = []
    if find_spec("django_auth_ldap") is None:
        faults.append(
            "EVSPORTAL_LDAP_URL needs packages that are not installed:"
            " pip install -r requirements-ldap.txt"
        )
    url = urlsplit(settings.EVSPORTAL_LDAP_URL)
    if url.scheme not in {"ldap", "ldaps"} or not url.hostname:
        faults.append("EVSPORTAL_LDAP_URL: write ldaps://host or ldap://host.")
    if not settings.EVSPORTAL_LDAP_PEOPLE:
        faults.append("EVSPORTAL_LDAP_PEOPLE: name the entry below which people are.")
    if not _is_filter(settings.EVSPORTAL_LDAP_FILTER):
        faults.append("EVSPORTAL_LDAP_FILTER: write a filter in brackets with %(user)s in it.")
    authorities = settings.EVSPORTAL_LDAP_CA
    if authorities and not Path(authorities).is_file():
        faults.append(f"EVSPORTAL_LDAP_CA: there is no file {authorities}.")
    if any(not theirs or not ours for theirs, ours in read_table(settings.EVSPORTAL_LDAP_ROLES)):
        faults.append("EVSPORTAL_LDAP_ROLES: write rows as their-group=role.")
    return faults


def _is_filter(text: str) -> bool:
    try:
        filled = text % {"user": "x"}
    except (KeyError, TypeError, ValueError):
        return False
    return "%(user)s" in text and filled.startswith("(") and filled.endswith(")")
