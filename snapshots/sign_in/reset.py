"""Choosing a password by a link from a mail, for people who forgot theirs."""

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from snapshots.audit.record.actions import NOBODY, record
from snapshots.models import ActionCode
from snapshots.sign_in.mail import portal_address, send
from snapshots.sign_in.names import digest_of_name

MOST_ACCOUNTS = 5  # with one address


def accounts_called(typed: str) -> list[User]:
    """Accounts with this name, or with this address for mail."""
    by_name = User.objects.filter(account_name__digest=digest_of_name(typed))
    by_address = User.objects.filter(email__iexact=typed) if "@" in typed else User.objects.none()
    return list((by_name | by_address).distinct().order_by("pk")[:MOST_ACCOUNTS])


def send_link(person: User) -> None:
    """Mail the person a link that opens once, for an hour; a new password or sign-in ends it."""
    record(ActionCode.RESET_ASKED, actor_name=NOBODY, subject=person.get_username())
    number = urlsafe_base64_encode(force_bytes(person.pk))
    token = default_token_generator.make_token(person)
    path = reverse("password_reset_confirm", args=[number, token])
    subject = _("A new password for EVS snapshots")
    send(
        person,
        subject=subject,
        template="password_reset",
        otherwise=get_language() or "",  # of the browser that asked, which is mostly the person's
        link=f"{portal_address()}{path}",
    )


def refuse(why: str, name: str = "") -> None:
    """Note that no link was sent. An unknown name is not recorded, as at a sign-in."""
    subject = name or "a name that nobody has"
    details = {"why": why}
    record(ActionCode.RESET_REFUSED, actor_name=NOBODY, subject=subject, details=details)
