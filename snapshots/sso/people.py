"""Which account belongs to a person of the provider, and what the provider lets them be here.

An account is bound to issuer and subject. Names and e-mail addresses only fill in the account when
it is made. They prove nothing: people choose them at the provider, and could choose another's.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from snapshots.audit.record.actions import record
from snapshots.database.transactions import in_transaction
from snapshots.models import ActionCode, Role
from snapshots.sign_in.names import is_taken

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._@+-]+")
_LONGEST_NAME = 100  # the column has 150, and a taken name gets an ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person of the provider, as a verified sign-in describes them."""

    provider_id: str
    subject: str
    name: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    groups: frozenset[str] = frozenset()
    table: tuple[tuple[str, str], ...] = ()  # which of them are which roles and groups here


def provider_id() -> str:
    """Stands for the issuer in `SocialAccount.provider`: the same subject of another issuer is
    another person.
    """
    return f"oidc-{hashlib.sha256(settings.EVSPORTAL_OIDC_ISSUER.encode()).hexdigest()[:32]}"


def identity_of(claims: dict[str, Any], userinfo: dict[str, Any]) -> Identity:
    """What of the claims is used. Those of a wrong type count as missing."""
    merged = {**userinfo, **claims}
    return Identity(
        provider_id=provider_id(),
        subject=claims["sub"],
        name=_text(merged, "preferred_username"),
        email=_text(merged, "email"),
        first_name=_text(merged, "given_name"),
        last_name=_text(merged, "family_name"),
        groups=_groups(merged.get(settings.EVSPORTAL_OIDC_GROUPS_CLAIM)),
        table=role_table(),
    )


def account_of(identity: Identity) -> SocialAccount:
    """The account, with the roles of now; made if there is none. Raises `DatabaseError`."""
    try:
        return in_transaction(lambda: _account_of(identity))
    except IntegrityError:  # made at this moment by another sign-in of the same person
        return in_transaction(lambda: _account_of(identity))


def _account_of(identity: Identity) -> SocialAccount:
    binding = {"provider": identity.provider_id, "uid": identity.subject}
    account = SocialAccount.objects.select_related("user").filter(**binding).first()
    if account is None:
        account = SocialAccount.objects.create(user=_add_person(identity), **binding)
    _set_roles(account.user, identity)
    return account


def is_of_provider(person: User) -> bool:
    """Whether the provider, or the directory, signs this person in and gives their roles."""
    return bool(SocialAccount.objects.filter(user=person).exists())


def end_sessions(subject: str) -> User | None:
    """End all sessions of a person of the provider: a session is valid while the stored password
    is, and theirs is a random text that opens nothing.
    """

    def end() -> User | None:
        account = SocialAccount.objects.filter(provider=provider_id(), uid=subject).first()
        if account is None:
            return None
        person: User = account.user
        person.set_unusable_password()
        person.save(update_fields=["password"])
        details = {"by": settings.EVSPORTAL_OIDC_NAME, "sessions": "all"}
        record(ActionCode.SIGNED_OUT, subject=person.get_username(), details=details)
        return person

    return in_transaction(end)


# --- roles -----------------------------------------------------------------------------------


def role_table() -> tuple[tuple[str, str], ...]:
    return read_table(settings.EVSPORTAL_OIDC_ROLES)


def read_table(rows: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Rows of a setting: a group of the provider, a role or group of the portal."""
    parts = (row.rpartition("=") for row in rows)
    return tuple((unquote(theirs.strip()), unquote(ours.strip())) for theirs, _, ours in parts)


def _set_roles(person: User, identity: Identity) -> None:
    """All roles are the provider's to give; of other groups those that the table names."""
    due = {ours for theirs, ours in identity.table if theirs in identity.groups}
    managed = {ours for _theirs, ours in identity.table} | set(Role)
    held = set(person.groups.values_list("name", flat=True))
    if lost := (held & managed) - due:
        person.groups.remove(*Group.objects.filter(name__in=lost))
    if gained := due - held:
        person.groups.add(*[Group.objects.get_or_create(name=name)[0] for name in sorted(gained)])
    if person.is_superuser:
        person.is_superuser = False
        person.save(update_fields=["is_superuser"])


def _groups(claim: object) -> frozenset[str]:
    if not isinstance(claim, list) or not all(isinstance(group, str) for group in claim):
        return frozenset()
    return frozenset(claim)


# --- a new account ---------------------------------------------------------------------------


def _add_person(identity: Identity) -> User:
    person = User(
        username=_free_name(identity),
        email=_valid_email(identity.email),
        first_name=identity.first_name[:150],
        last_name=identity.last_name[:150],
    )
    person.set_unusable_password()
    person.save()
    return person


def _free_name(identity: Identity) -> str:
    """Letters of ASCII alone: no name of the provider looks like one of a local account."""
    folded = unicodedata.normalize("NFKC", identity.name or identity.email.partition("@")[0])
    name = _NOT_IN_NAMES.sub("", folded)[:_LONGEST_NAME]
    if name and not is_taken(name):
        return name
    binding = f"{identity.provider_id} {identity.subject}"
    return f"{name or 'person'}-{hashlib.sha256(binding.encode()).hexdigest()[:12]}"


def _valid_email(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        return ""
    # No half of a character, which no database takes, and no mark that turns a page's text round.
    return "".join(letter for letter in value if letter.isprintable()).strip()
