"""What a manifest says of the database that Django is connected to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from evsportal import __version__
from snapshots.audit.seals.sealing import latest_seal
from snapshots.audit.seals.verify import verify
from snapshots.management.verdict import verdict_on


def facts_of_database(
    *, made_at: datetime, public_keys: Sequence[Ed25519PublicKey]
) -> dict[str, Any]:
    """The fields of a `Manifest` but the digests. The trail is verified for it."""
    seal = latest_seal()
    return {
        "made_at": made_at.isoformat(),
        "version": version(),
        "database": connection.vendor,
        "mode": settings.EVSPORTAL_MODE,
        "migrations": applied_migrations(),
        "rows": rows_by_table(),
        "last_seal": seal.number if seal else 0,
        "last_seal_digest": seal.digest if seal else "",
        "trail": verdict_of_trail(public_keys),
    }


def verdict_of_trail(public_keys: Sequence[Ed25519PublicKey]) -> str:
    """What `audit_verify` would say; begins with DAMAGED for a bad trail."""
    key = public_keys[0] if public_keys else None
    return verdict_on(verify(key=key, old_keys=public_keys[1:]), key, anchored=False)


def version() -> str:
    """Of this code."""
    return __version__


def applied_migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def known_migrations() -> set[str]:
    """Those of this code."""
    loader = MigrationLoader(None)
    replaced = {key for step in loader.disk_migrations.values() for key in step.replaces}
    return {f"{app}.{name}" for app, name in {*loader.disk_migrations, *replaced}}


def rows_by_table() -> dict[str, int]:
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            rows[table] = int(cursor.fetchone()[0])
    return rows
