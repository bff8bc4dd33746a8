"""A person's entry in the directory, by django-auth-ldap: the only file that needs the extra.

It searches with the portal's account and binds with the person's password. What it would do to
accounts, by their names, is not used.
"""

import logging
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import ldap
import ldap.dn
from django.conf import settings
from django.contrib.auth.models import User
from django_auth_ldap.backend import LDAPBackend, ldap_error
from django_auth_ldap.config import LDAPSearch, LDAPSettings
from ldap.filter import escape_filter_chars

from snapshots.directory.addresses import is_on_this_machine

# It writes down what was typed as a name, which may be a password.
logging.getLogger("django_auth_ldap").setLevel(logging.CRITICAL)

_FACTS = ("mail", "givenName", "sn", "memberOf")
_MEMBERS = "(|(member=%(dn)s)(uniqueMember=%(dn)s)(memberUid=%(name)s))"
_AT_ONCE = 50  # groups whose own groups are asked for by one search
MOST_LEVELS = 10  # of groups in groups
_Attributes = Mapping[str, list[str | bytes]]


class DirectoryError(Exception):
    """The directory cannot be reached, does not prove who it is, refuses the portal's account, or
    has no id for the person.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """A person who gave the right password."""

    id: str
    name: str  # as it was typed
    # By their distinguished names, and by their common names: those below EVSPORTAL_LDAP_GROUPS
    # alone, where it is set, since elsewhere others may give the same name to a group.
    groups: frozenset[str]
    attributes: _Attributes

    def text(self, name: str) -> str:
        """The first value of an attribute; empty: none, or no text."""
        value = (self.attributes.get(name) or [""])[0]
        is_readable = isinstance(value, str) and value.isprintable()
        return str(value).strip() if is_readable else ""


class _Backend(LDAPBackend):
    def __init__(self) -> None:
        self.settings = LDAPSettings("EVSPORTAL_UNUSED_", _options())

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
        """Of no account: the names here and there are not the same people's."""
        return User(), False


def _raise_error(exception: Exception, **_kwargs: Any) -> None:
    """Its own answer would be the one to a wrong password."""
    raise DirectoryError(type(exception).__name__) from exception


ldap_error.connect(_raise_error, sender=_Backend, dispatch_uid="directory errors")


def entry_of(name: str, password: str) -> Entry | None:
    """None: there is nobody of this name, or several, or the password is wrong. Raises
    `DirectoryError`.
    """
    person = _Backend().authenticate(None, username=name, password=password)
    if person is None:
        return None
    ldap_user = person.ldap_user
    try:
        attributes = ldap_user.attrs or {}
        groups = _groups_of(ldap_user, name)
    except ldap.LDAPError as error:
        raise DirectoryError(type(error).__name__) from error
    values = attributes.get(settings.EVSPORTAL_LDAP_ID) or [b""]
    own_id = values[0].hex() if isinstance(values[0], bytes) else values[0]
    if not own_id or len(own_id) > 191:  # allauth's column
        raise DirectoryError(f"no attribute {settings.EVSPORTAL_LDAP_ID}")
    return Entry(own_id, name, groups, attributes)


def _groups_of(ldap_user: Any, name: str) -> frozenset[str]:
    """Groups that are in groups count, below EVSPORTAL_LDAP_GROUPS."""
    given = ldap_user.attrs.get("memberOf") or []
    dns = {dn for dn in given if isinstance(dn, str) and ldap.dn.is_dn(dn)}
    base = settings.EVSPORTAL_LDAP_GROUPS
    if not base:
        return frozenset(dns | set(map(_common_name, dns)))
    person = {"dn": escape_filter_chars(ldap_user.dn), "name": escape_filter_chars(name)}
    dns |= _search(ldap_user, _MEMBERS % person)
    inner = dns
    for _level in range(MOST_LEVELS):
        inner = _groups_around(ldap_user, inner) - dns
        dns |= inner
    return frozenset(dns | {_common_name(dn) for dn in dns if _is_below(dn, base)})


def _groups_around(ldap_user: Any, dns: Iterable[str]) -> set[str]:
    """The groups that have one of these groups as a member."""
    waiting, around = sorted(dns), set[str]()
    for start in range(0, len(waiting), _AT_ONCE):
        texts = map(escape_filter_chars, waiting[start : start + _AT_ONCE])
        members = "".join(f"(member={text})(uniqueMember={text})" for text in texts)
        around |= _search(ldap_user, f"(|{members})")
    return around


def _search(ldap_user: Any, condition: str) -> set[str]:
    """The distinguished names of the groups for which it is true. No `%` in it is a place."""
    condition = condition.replace("%", "%%")
    search = LDAPSearch(settings.EVSPORTAL_LDAP_GROUPS, ldap.SCOPE_SUBTREE, condition, ["cn"])
    return {dn for dn, _attributes in search.execute(ldap_user.connection)}


def _common_name(dn: str) -> str:
    return str(ldap.dn.explode_dn(dn, notypes=True)[0])


def _is_below(dn: str, base: str) -> bool:
    parts, base_parts = (
        [part.casefold() for part in ldap.dn.explode_dn(text)] for text in (dn, base)
    )
    return parts[-len(base_parts) :] == base_parts


def _options() -> dict[str, Any]:
    """Each step within the seconds, TLS with a certificate that is verified."""
    url = settings.EVSPORTAL_LDAP_URL
    seconds = settings.EVSPORTAL_LDAP_SECONDS
    authorities = settings.EVSPORTAL_LDAP_CA or ssl.get_default_verify_paths().cafile
    connection = {
        ldap.OPT_REFERRALS: 0,  # no other server gets a password
        ldap.OPT_NETWORK_TIMEOUT: seconds,
        ldap.OPT_TIMEOUT: seconds,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if authorities:
        connection[ldap.OPT_X_TLS_CACERTFILE] = authorities
    connection[ldap.OPT_X_TLS_NEWCTX] = 0  # last: takes over the options of TLS
    return {
        "SERVER_URI": url,
        "START_TLS": urlsplit(url).scheme == "ldap" and not is_on_this_machine(url),
        "CONNECTION_OPTIONS": connection,
        "BIND_DN": settings.EVSPORTAL_LDAP_BIND_DN,
        "BIND_PASSWORD": settings.EVSPORTAL_LDAP_BIND_PASSWORD,
        "USER_SEARCH": LDAPSearch(
            settings.EVSPORTAL_LDAP_PEOPLE,
            ldap.SCOPE_SUBTREE,
            settings.EVSPORTAL_LDAP_FILTER,
            [*_FACTS, settings.EVSPORTAL_LDAP_ID],
        ),
        "ALWAYS_UPDATE_USER": False,
    }
