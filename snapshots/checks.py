"""System checks: a wrong setting stops the start, with an id and a hint."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from snapshots import clouds
from snapshots.audit import anchors, guards, hours, keys, push
from snapshots.audit.delivery import named

INSECURE_KEY = "not-for-production"


@register
def check_mode(**_kwargs: Any) -> list[CheckMessage]:
    """The sandbox is chosen by name, never by missing settings."""
    if settings.EVSPORTAL_MODE:
        return []
    return [
        Error(
            "EVSPORTAL_MODE is not set.",
            hint="Set it to 'cloud' with EVSPORTAL_CLOUDS, or to 'sandbox' to try the portal.",
            id="evsportal.E001",
        )
    ]


@register
def check_clouds(**_kwargs: Any) -> list[CheckMessage]:
    """The file of clouds can be read and makes sense."""
    if settings.EVSPORTAL_MODE != "cloud":
        return []
    try:
        clouds.cloud_names()
    except ImproperlyConfigured as error:
        hint = "See 'First real cloud' in the README."
        return [Error(str(error), hint=hint, id="evsportal.E002")]
    return []


@register
def check_secret_key(**_kwargs: Any) -> list[CheckMessage]:
    """Sessions of a real portal are signed with a key of its own."""
    if settings.EVSPORTAL_MODE != "cloud" or settings.SECRET_KEY != INSECURE_KEY:
        return []
    return [
        Error(
            "EVSPORTAL_SECRET_KEY is not set.",
            hint="Set it, or EVSPORTAL_SECRET_KEY_FILE, to 50 or more random characters.",
            id="evsportal.E003",
        )
    ]


@register
def check_lease(**_kwargs: Any) -> list[CheckMessage]:
    """A claim outlives the longest exchange, else a second worker would doubt the first."""
    if settings.EVSPORTAL_LEASE_SECONDS >= 1.5 * settings.EVSPORTAL_DEADLINE_SECONDS:
        return []
    return [
        Error(
            "EVSPORTAL_LEASE_SECONDS is too close to EVSPORTAL_DEADLINE_SECONDS.",
            hint="Make the lease at least half as long again as the deadline.",
            id="evsportal.E004",
        )
    ]


@register
def check_audit_key(**_kwargs: Any) -> list[CheckMessage]:
    """The key that signs can be read."""
    try:
        keys.private_key()
    except ImproperlyConfigured as error:
        hint = "Make one with `manage audit_keygen PATH`, and set EVSPORTAL_AUDIT_KEY_FILE to it."
        return [Error(str(error), hint=hint, id="evsportal.E007")]
    return []


@register
def check_anchors(**_kwargs: Any) -> list[CheckMessage]:
    """Each place that seals are told to is one we know how to reach."""
    found: list[CheckMessage] = []
    for target in settings.EVSPORTAL_AUDIT_ANCHORS:
        try:
            anchors.way_to(target)
        except ValueError as error:
            hint = "See EVSPORTAL_AUDIT_ANCHORS in .env.example."
            found.append(Error(str(error), hint=hint, id="evsportal.E008"))
    return found


@register
def check_push(**_kwargs: Any) -> list[CheckMessage]:
    """Each place that rows are pushed to can be reached somehow, and its authority is there."""
    found: list[CheckMessage] = []
    for target in settings.EVSPORTAL_AUDIT_PUSH:
        try:
            push.way_to(target)
        except ValueError as error:
            hint = "See EVSPORTAL_AUDIT_PUSH in .env.example."
            found.append(Error(str(error), hint=hint, id="evsportal.E009"))
            continue
        if push.may_lose(target):
            words = (
                f"{named(target)} is syslog over UDP: rows may get lost and nobody learns of it."
            )
            hint = "Push to syslog+tls:// or syslog+tcp://, which lose none."
            found.append(CheckWarning(words, hint=hint, id="evsportal.W002"))
    if settings.EVSPORTAL_AUDIT_CA and not Path(settings.EVSPORTAL_AUDIT_CA).is_file():
        words = f"EVSPORTAL_AUDIT_CA: {settings.EVSPORTAL_AUDIT_CA} is not a file."
        found.append(Error(words, hint="Name a file of PEM certificates.", id="evsportal.E009"))
    return found


@register
def check_archives(**_kwargs: Any) -> list[CheckMessage]:
    """Whoever keeps records for a time says where they go then."""
    if not settings.EVSPORTAL_AUDIT_KEEP_DAYS or settings.EVSPORTAL_AUDIT_ARCHIVES:
        return []
    return [
        Error(
            "EVSPORTAL_AUDIT_KEEP_DAYS is set, and EVSPORTAL_AUDIT_ARCHIVES is not.",
            hint="Name the folder that archives go to, or keep records for ever: 0 days.",
            id="evsportal.E010",
        )
    ]


@register
def check_working_hours(**_kwargs: Any) -> list[CheckMessage]:
    """What auditors are shown as outside working hours is what the setting says."""
    try:
        hours.read_hours(settings.EVSPORTAL_WORKING_HOURS)
    except ValueError as error:
        hint = "Write EVSPORTAL_WORKING_HOURS as in: Mon-Fri 08:00-18:00 Europe/Istanbul"
        return [Error(str(error), hint=hint, id="evsportal.E012")]
    return []


@register
def check_transactions(**_kwargs: Any) -> list[CheckMessage]:
    """A transaction around a web request or a call would let evidence roll back."""
    if not any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        return []
    return [
        Error(
            "ATOMIC_REQUESTS is on.",
            hint="Leave it off: exchanges are committed before their request leaves.",
            id="evsportal.E005",
        )
    ]


@register(Tags.database)
def check_guards(**_kwargs: Any) -> list[CheckMessage]:
    """The database itself refuses to change the audit trail. Asked by `check --database default`.

    A warning, since an error would stop `migrate`, which asks too and puts back what is missing.
    """
    try:
        missing = guards.missing() if guards.has_tables() else []
    except DatabaseError:
        return []  # no database: others say so
    return [
        CheckWarning(
            f"The trigger {name} of the audit trail is missing or not as it should be.",
            hint="Run `manage migrate`, which puts it back, and `manage audit_verify`.",
            id="evsportal.W001",
        )
        for name in missing
    ]
