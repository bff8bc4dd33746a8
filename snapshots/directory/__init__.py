"""Signing in by the organisation's directory, over LDAP: an extra (`requirements-ldap.txt`).

The directory says whose password it is (`entries.py`). Which account that is, and its roles, is
answered as for people of the provider (`sso/people.py`): by the entry's own id, never by a name,
which could be that of a local account.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from snapshots.audit.record.actions import NOBODY, record
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.models import ActionCode
from snapshots.sign_in.errors import TryLaterError
from snapshots.sign_in.names import digest_of_name
from snapshots.sso.people import Identity, account_of, is_of_provider, read_table

if TYPE_CHECKING:
    from snapshots.directory.entries import Entry

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2  # in one process: a slow directory keeps no more threads of the web server
_AWAY_SECONDS = 60
_BUSY_SECONDS = 2
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


class DirectoryAwayError(TryLaterError):
    """The directory cannot be asked: nobody was refused, and nobody signed in."""

    status = 503

    def __init__(self) -> None:
        super().__init__(_AWAY_SECONDS)
        self.sentence = _("The directory that knows your password does not answer.")


def is_configured() -> bool:
    return bool(settings.EVSPORTAL_LDAP_URL)


def sign_in(request: HttpRequest, name: str, password: str) -> User | None:
    """The person whom the directory knows by this name and password, with the roles of now. Names
    of accounts that have a password here are not asked for. Raises `TryLaterError`.
    """
    identity = _ask(name, password) if is_configured() and not _is_local(name) else None
    if identity is None:
        return None
    account = account_of(identity)
    if account.extra_data != {"name": name}:
        account.extra_data = {"name": name}
        account.save(update_fields=["extra_data"])
    person: User = account.user
    if not person.is_active:
        sign_in_facts(request).refusal = "shut out"
        return None
    return person


def _is_local(name: str) -> bool:
    """In any spelling: the directory, too, makes no difference between ROOT and root."""
    spelt = Q(username=name) | Q(account_name__digest=digest_of_name(name))
    accounts = User.objects.filter(spelt)
    return any(local.has_usable_password() and not is_of_provider(local) for local in accounts)


def is_password_of(person: User, password: str) -> bool:
    """Whether the directory knows this person by it. Raises `TryLaterError`."""
    if not is_configured():
        return False
    account = SocialAccount.objects.filter(user=person, provider=_provider_id()).first()
    if account is None:
        return False
    identity = _ask(account.extra_data.get("name", ""), password)
    return identity is not None and identity.subject == account.uid


def _ask(name: str, password: str) -> Identity | None:
    if not password or "\0" in name + password:  # an empty one binds as nobody, and succeeds
        return None
    with _slot():
        from snapshots.directory import entries  # a portal without the extra starts

        try:
            entry = entries.entry_of(name, password)
        except entries.DirectoryError as error:
            logger.warning("The directory cannot be asked: %s", error)
            _record_away()
            raise DirectoryAwayError from error
    return None if entry is None else _identity(entry)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise TryLaterError(_BUSY_SECONDS, is_busy=True)
    try:
        yield
    finally:
        _slots.release()


def _identity(entry: "Entry") -> Identity:
    return Identity(
        provider_id=_provider_id(),
        subject=entry.id,
        name=entry.name,
        email=entry.text("mail"),
        first_name=entry.text("givenName"),
        last_name=entry.text("sn"),
        groups=entry.groups,
        table=read_table(settings.EVSPORTAL_LDAP_ROLES),
    )


def _record_away() -> None:
    details = {"why": "directory away"}
    subject = "a name that was not looked up"
    record(ActionCode.SIGN_IN_REFUSED, actor_name=NOBODY, subject=subject, details=details)


def _provider_id() -> str:
    """Stands for the directory in `SocialAccount.provider`; another server of it is the same."""
    base = settings.EVSPORTAL_LDAP_PEOPLE.casefold()
    return f"ldap-{hashlib.sha256(base.encode()).hexdigest()[:32]}"
