"""What the portal reaches: clouds, the mail server, and its own address as browsers do."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection

from snapshots import clouds
from snapshots.management.checkup.finding import Finding, good, warning, wrong
from snapshots.management.survey import survey
from snapshots.sign_in import mail

CERTIFICATE, MAIL = "certificate", "mail"
ENDS_SOON = timedelta(days=21)
SECONDS = 5


def look_at_clouds() -> Iterator[Finding]:
    """Each is signed in to and read once, as `cloud_ping` does; recorded like any request."""
    try:
        names = clouds.cloud_names()
    except ImproperlyConfigured:
        return  # a check of the settings says so
    clouds.forget()  # a token from before would hide that the sign-in fails
    for name in names:
        bad = False
        for line in survey(name):
            todo = f"Run `manage cloud_ping {name}`; docs/clouds.md names what each error means."
            if line.is_wrong:
                bad = True
                yield wrong(f"cloud {name}", f"{line.label}: {line.text}", todo)
            elif line.is_doubtful:
                yield warning(f"cloud {name}", f"{line.label}: {line.text}", todo)
        if not bad:
            yield good(f"cloud {name}", "It takes the sign-in, and its lists can be read.")


def look_at_mail() -> Iterator[Finding]:
    """Whether the server takes the portal's sign-in; nothing is sent."""
    if not mail.is_configured():
        return
    connection = get_connection(timeout=SECONDS)
    try:
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        text = f"The mail server does not take the portal's connection: {type(error).__name__}."
        yield wrong(MAIL, text, "Look at EVSPORTAL_EMAIL_URL, and run `manage sendtestemail`.")
    else:
        yield good(MAIL, "The mail server takes the portal's connection.")


def look_at_certificate(address: str = "") -> Iterator[Finding]:
    """Until when browsers believe the certificate. `address`: else the first of the settings."""
    parts = urlsplit(address or mail.portal_address())
    if parts.scheme != "https" or not parts.hostname:
        return
    host, port = parts.hostname, parts.port or 443
    todo = f"Look at the proxy that ends TLS for {host}."
    try:
        ends_at = _end_of_certificate(host, port)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield wrong(CERTIFICATE, f"https://{host}:{port} cannot be asked: {reason}.", todo)
        return
    left = ends_at - datetime.now(tz=UTC)
    text = f"The certificate of {host} ends on {ends_at:%Y-%m-%d}."
    if left < timedelta(0):
        yield wrong(CERTIFICATE, text, f"Renew it now. {todo}")
    elif left < ENDS_SOON:
        yield warning(CERTIFICATE, text, f"Renew it. {todo}")
    else:
        yield good(CERTIFICATE, text)


def _end_of_certificate(host: str, port: int) -> datetime:
    """Read without checking it: a certificate that has ended must still be read."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
    if certificate is None:
        raise ValueError("it shows no certificate")
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc
