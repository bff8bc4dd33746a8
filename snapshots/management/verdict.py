"""What a verification of the audit trail says, in sentences, and the keys that it needs."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from snapshots.audit.seals import keys
from snapshots.audit.seals.verify import Report


def verdict_on(report: Report, key: Ed25519PublicKey | None, *, anchored: bool) -> str:
    """What was proved, what is wrong, and what stays unproved."""
    if report.damage:
        return f"DAMAGED ({report.damage.kind}). {report.damage.message}"
    verdict = f"Sound: {report.rows} rows in {report.seals} seals"
    verdict += f", {report.archived} archived" if report.archived else ""
    verdict += f"; {report.unsealed} rows are not sealed yet." if report.unsealed else "."
    if report.bare:
        verdict += (
            f" Seals 1 to {report.bare} are from before the key, and covered by the next one."
        )
    if key is None:
        verdict += " No key: a person who can write the database can also make all seals again."
    if not anchored:
        verdict += " No anchor: a cut end would not show."
    return verdict


def public_keys_in(path: str | None) -> list[Ed25519PublicKey]:
    """Those of the file, else the one in use, else none. Raises `CommandError`."""
    try:
        if path:
            return keys.read_public(Path(path).read_bytes())
        in_use = keys.public_key()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except (ValueError, ImproperlyConfigured) as error:
        raise CommandError(f"The key cannot be read: {error}") from error
    return [in_use] if in_use else []
