"""The audit trail: seals, whether it is sound, and what reaches the outside."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.delivery import push
from snapshots.audit.seals.sealing import is_signed, latest_seal
from snapshots.audit.seals.verify import verify
from snapshots.management.checkup.finding import Finding, good, warning, wrong
from snapshots.management.verdict import verdict_on

TRAIL_AREA, PUSH = "trail", "push"
SEALS_READ = 20  # whose rows are read; `audit_verify` reads all
DAMAGED = "See docs/operations.md, 'The audit trail is damaged'. Restart nothing, delete nothing."


def look_at_trail(public_keys: Sequence[Ed25519PublicKey]) -> Iterator[Finding]:
    """The whole chain of seals, and the rows of the newest."""
    newest = latest_seal()
    since = max(1, (newest.number if newest else 0) - SEALS_READ + 1)
    key = public_keys[0] if public_keys else None
    report = verify(key=key, old_keys=public_keys[1:], since=since)
    if report.damage:
        yield wrong(TRAIL_AREA, verdict_on(report, key, anchored=True), DAMAGED)
    else:
        text = f"The chain of {report.seals} seals is sound, and {report.rows} rows of the newest."
        yield good(TRAIL_AREA, f"{text} `manage audit_verify` reads all rows.")
    yield from _look_at_lag(newest.tables if newest else {})
    try:
        signed = is_signed()
    except ImproperlyConfigured:
        return  # a check of the settings says so
    if not signed and settings.EVSPORTAL_MODE == "cloud":
        yield warning(
            TRAIL_AREA,
            "Seals are not signed: a person who can write the database could make them anew.",
            "Run `manage audit_keygen PATH`, and set EVSPORTAL_AUDIT_KEY_FILE.",
        )


def look_at_pushes() -> Iterator[Finding]:
    for state in push.states():
        if state.failing_since is None:
            yield good(PUSH, f"Rows reach {state.label or 'the place of a push'}.")
            continue
        since = f"{state.failing_since:%Y-%m-%d %H:%M} UTC"
        text = f"Rows have not reached {state.label} since {since}: {state.trouble}."
        yield wrong(PUSH, text, "Nothing is lost: they go when it is back. Look at that place.")


def _look_at_lag(tables: dict[str, list[int]]) -> Iterator[Finding]:
    """Rows that wait for a seal much longer than the setting says."""
    longest = timedelta(seconds=3 * settings.EVSPORTAL_AUDIT_SEAL_SECONDS + 60)
    now = timezone.now()
    for name, model in TRAIL.items():
        rows = model._default_manager.filter(seq__gt=tables.get(name, [0, 0])[1])
        at = rows.order_by("seq").values_list("at", flat=True).first()
        if at is not None and now - at > longest:
            minutes = (now - at).total_seconds() / 60
            text = f"Rows of {name} have waited {minutes:,.0f} minutes for a seal."
            yield wrong(TRAIL_AREA, text, "The worker seals: look at its log for the duty seal.")
            return
