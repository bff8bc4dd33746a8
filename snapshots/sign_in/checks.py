"""A system check of the settings of mail."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from snapshots.sign_in.mail import portal_address


@register
def check_mail(**_kwargs: Any) -> list[CheckMessage]:
    """Mail has a server and a sender, and its links lead to the portal."""
    has_server, has_sender = bool(settings.EMAIL_HOST), bool(settings.EVSPORTAL_EMAIL_FROM)
    faults = []
    if has_server != has_sender:
        faults.append("EVSPORTAL_EMAIL_URL and EVSPORTAL_EMAIL_FROM: one is set without the other.")
    if has_server and not portal_address():
        faults.append("EVSPORTAL_HOSTS names no host that links in mail could lead to.")
    return [Error(fault, hint="See docs/sign-in.md.", id="evsportal.E041") for fault in faults]
