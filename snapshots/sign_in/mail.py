"""Mail to people about their passwords, sent by a thread of its own.

Nobody waits for a mail server, and how long an answer takes does not tell whether a mail was sent.
What could not be sent is logged; people ask again. Nothing of a mail is stored.
"""

import logging
import smtplib
import threading
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 4
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


def is_configured() -> bool:
    return bool(settings.EMAIL_HOST and settings.EVSPORTAL_EMAIL_FROM)


def portal_address() -> str:
    """Scheme and host for links, from settings alone: a request's host is what its sender wrote.

    Empty where no setting names a host.
    """
    origins = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    if origins:
        return str(origins[0])
    hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    if not hosts:
        return ""
    if settings.SESSION_COOKIE_SECURE:
        return f"https://{hosts[0]}"
    return f"http://{hosts[0]}:{settings.EVSPORTAL_PORT}"


def send(person: User, *, subject: str, template: str, **context: Any) -> None:
    """Send a mail after the transaction, if mail is configured and the person has an address."""
    if not (is_configured() and person.email):
        return
    text = render_to_string(f"mail/{template}.txt", {"person": person, **context})
    message = EmailMessage(subject, text, settings.EVSPORTAL_EMAIL_FROM, [person.email])
    transaction.on_commit(partial(_begin, message, person.get_username()))


def tell_of_set_password(person: User, setter_name: str) -> None:
    send(
        person,
        subject=_("Your password for EVS snapshots was set"),
        template="password_set",
        setter_name=setter_name,
        address=portal_address(),
    )


def tell_of_new_address(before: User, changer_name: str) -> None:
    """To the address that the account had before."""
    send(
        before,
        subject=_("Your e-mail address for EVS snapshots was changed"),
        template="address_changed",
        changer_name=changer_name,
        address=portal_address(),
    )


def _begin(message: EmailMessage, name: str) -> None:
    if not _slots.acquire(blocking=False):
        logger.error("A mail to %s was not sent: too many are on their way.", name)
        return
    threading.Thread(target=_deliver, args=(message, name), name="mail", daemon=True).start()


def _deliver(message: EmailMessage, name: str) -> None:
    failure = ""
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        failure = type(error).__name__  # its text may quote what was sent
    finally:
        _slots.release()
    if failure:
        logger.error("A mail to %s was not sent: %s", name, failure)
