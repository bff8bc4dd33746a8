"""The demo accounts, and why no published password opens a portal with real clouds.

Whoever has read the README knows the password of the demo accounts. Outside of the sandbox such a
password is refused at sign-in, however the account is named and wherever its row came from, and
cannot be given to an account. The password typed is compared, not the stored hash: that costs
nothing and holds for accounts that were renamed, restored from a dump or written by SQL.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, is_password_usable
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.signals import pre_save
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import directory, sandbox_account
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.models import Role
from snapshots.rights.policy import Right, may
from snapshots.sign_in.brakes import account_key, begin_try, end_well
from snapshots.sign_in.devices import remember_device
from snapshots.sign_in.hashing import hashing_slot
from snapshots.sign_in.one_time import is_over

DEMO_PASSWORD = "demo"
# Name, role, and what the sign-in page says of it. Made in sandbox mode by `manage seed_demo`.
DEMO_ACCOUNTS = (
    ("alice", Role.STAFF, gettext_lazy("staff: asks for her own volumes")),
    ("bob", Role.STAFF, gettext_lazy("staff: other volumes")),
    ("helen", Role.HELPDESK, gettext_lazy("helpdesk: asks for others")),
    ("audrey", Role.AUDITOR, gettext_lazy("auditor: sees every request sent")),
    ("root", Role.ADMINISTRATOR, gettext_lazy("administrator: people and grants")),
)
# Every password that the README, the examples or the sandbox's code show.
PUBLISHED_PASSWORDS = (DEMO_PASSWORD, "password", sandbox_account.PASSWORD)
REFUSAL = gettext_lazy(
    "This password is published in the portal's own documentation, so it opens no account here."
    " Ask an administrator to give your account another."
)
_NOT_ALLOWED = gettext_lazy(
    "This password is published in the portal's own documentation: choose another."
)
_CHECKED_FILE = "passwords.checked"


def is_refused_password(password: object) -> bool:
    """Whether the password is published and this is no sandbox."""
    return settings.EVSPORTAL_MODE != "sandbox" and password in PUBLISHED_PASSWORDS


class _PortalBackend(ModelBackend):
    """Signs in with name and password; never with a published one outside of the sandbox.

    Here and not in a view, so that no page can forget the brakes. Raises `TryLaterError`.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        name = username if username is not None else kwargs.get(User.USERNAME_FIELD)
        if name is None or password is None:
            return None
        if request is None:  # a command or a shell on this machine
            return self._authenticate(None, name, password)
        with hashing_slot():
            counted = begin_try(request, name)
            sign_in_facts(request).pause = counted.pause
            person = self._authenticate(request, name, password)
        person = person or directory.sign_in(request, name, password)
        if person is not None:
            end_well(counted)
        return person

    def _authenticate(self, request: HttpRequest | None, name: str, password: str) -> Any:
        if is_refused_password(password):
            # For the audit trail: `user_login_failed` hides the password.
            sign_in_facts(request).refusal = "published password"
            raise PermissionDenied(REFUSAL)
        person = super().authenticate(request, name, password)
        if person is None:
            return None
        refusal = "not by password" if not may_sign_in_here(person) else ""
        if not refusal and is_over(person):
            refusal = "one-time password is over"
        if not refusal:
            return person
        sign_in_facts(request).refusal = refusal
        return None  # answered like a wrong password: it tells nobody that it was right


def may_sign_in_here(person: User) -> bool:
    """By a password or a passkey of the portal's own. Never for people of the provider: that would
    go past the roles that it gives.
    """
    if settings.EVSPORTAL_LOCAL_ACCOUNTS == "administrators" and not may(person, Right.ADMINISTER):
        return False
    return not SocialAccount.objects.filter(user=person).exists()


def check_own_password(request: HttpRequest, person: User, password: str) -> bool:
    """Whether it is the password of the person who is signed in, braked as a sign-in is: somebody
    may sit at another's screen. Raises `TryLaterError`.
    """
    with hashing_slot():
        counted = begin_try(request, person.get_username())
        is_right = person.check_password(password)
    is_right = is_right or directory.is_password_of(person, password)
    if is_right:
        end_well(counted)
    return is_right


class SandboxBackend(_PortalBackend):
    """Of the sandbox. A class of its own, since sessions are valid for one backend only."""


class CloudBackend(_PortalBackend):
    """Of a portal with real clouds."""


class PublishedPasswordValidator:
    """Refuses a published password where a person chooses one."""

    def validate(self, password: str, user: object = None) -> None:
        if is_refused_password(password):
            raise ValidationError(_NOT_ALLOWED, code="password_published")

    def get_help_text(self) -> str:
        return _("Your password can't be one that the portal's documentation shows.")


def watch() -> None:
    """Refuse published passwords in whatever way they are set. Twice does no harm."""
    pre_save.connect(_refuse_published, sender=User, dispatch_uid="published passwords")
    user_logged_in.connect(_remember_browser, dispatch_uid="known browsers")


def _remember_browser(user: User, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """When the sign-in is complete, with its second step: the right password alone is no proof."""
    if request is not None and not sign_in_facts(request).by:
        remember_device(request, account_key(user.get_username()))


def _refuse_published(
    instance: User, *, raw: bool, update_fields: Iterable[str] | None, **_kwargs: Any
) -> None:
    """`createsuperuser --noinput` asks no validator, and its dialogue lets people go past it.

    A fixture (`raw`) is loaded as it is; a sign-in that hashes the same password again saves this
    column alone. Both are refused at sign-in, if not here.
    """
    if settings.EVSPORTAL_MODE == "sandbox" or raw or set(update_fields or ()) == {"password"}:
        return
    if _has_published_password(instance):
        raise ValidationError(_NOT_ALLOWED, code="password_published")


def _has_published_password(person: User) -> bool:
    """Compares the hash, which is slow, only where a new one came without its text."""
    if person._password is not None:  # type: ignore[attr-defined]
        return is_refused_password(person._password)  # type: ignore[attr-defined]
    encoded = person.password
    is_stored = User.objects.filter(pk=person.pk, password=encoded).exists()
    if is_stored or not is_password_usable(encoded):
        return False
    return any(check_password(password, encoded) for password in PUBLISHED_PASSWORDS)


# --- accounts that have one all the same ---------------------------------------------------------


def look_for_published_passwords(*, most_accounts: int) -> Iterator[str | None]:
    """Compare accounts with the published passwords, one comparison for each step: the name of an
    account that has one, or None.

    A comparison takes a fifth of a second. What was compared is remembered by a digest of the
    stored hash, so an account is compared once and again after a change of its password; the
    accounts made first, as the demo's are, come first.
    """
    looked_at = 0
    checked = _read_checked()
    for name, encoded in _accounts():
        digest = hashlib.sha256(encoded.encode()).hexdigest()
        if digest in checked:
            continue
        if looked_at == most_accounts:
            return
        looked_at += 1
        for password in PUBLISHED_PASSWORDS:
            if check_password(password, encoded):
                yield name
                break
            yield None
        else:
            _remember_checked(digest)


def published_password_words(name: str) -> str:
    """What is wrong with this account, and what to do."""
    return (
        f"The account {name} has a password that the documentation shows, so it cannot sign in:"
        f" give it another with `./run manage changepassword {name}`."
    )


def _accounts() -> Iterable[tuple[str, str]]:
    rows = User.objects.filter(is_active=True).order_by("pk").values_list("username", "password")
    return [(name, encoded) for name, encoded in rows if is_password_usable(encoded)]


def _checked_file() -> Path:
    return Path(settings.DATA_DIR) / _CHECKED_FILE


def _read_checked() -> frozenset[str]:
    try:
        return frozenset(_checked_file().read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return frozenset()


def _remember_checked(digest: str) -> None:
    try:
        with _checked_file().open("a", encoding="ascii") as file:
            file.write(f"{digest}\n")
    except OSError:
        return  # it is compared again the next time
