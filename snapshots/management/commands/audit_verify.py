"""`manage audit_verify`: proves the trail in the database, or names the first row that is wrong."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.audit.database import guards
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.audit.seals import keys
from snapshots.audit.seals.parallel import processors, verify_in_parallel
from snapshots.audit.seals.verify import Report
from snapshots.models import ActionCode


class Command(BaseCommand):
    help = "Checks every row of the audit trail against its seals. Exit status 1: it is damaged."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since-seal", type=int, default=1, help="rows of earlier seals are not read"
        )
        parser.add_argument(
            "--key", help="public keys (PEM), old ones too; else that of EVSPORTAL_AUDIT_KEY"
        )
        parser.add_argument(
            "--processes",
            type=int,
            default=processors(),
            help="that share the reading of many rows; as many as there are processors",
        )
        parser.add_argument("--anchor", help="a file of seals as they were told outside")

    def handle(self, *_args: Any, **options: Any) -> None:
        known = _keys(options["key"])
        anchors = _anchors(options["anchor"]) if options["anchor"] else []
        began = time.monotonic()
        key = known[0] if known else None
        report = verify_in_parallel(
            options["processes"], public_keys=known, anchors=anchors, since=options["since_seal"]
        )
        seconds = time.monotonic() - began
        missing = guards.missing()
        for name in missing:
            self.stderr.write(f"The trigger {name} is missing: run `manage migrate`.")
        told = _words(report, key, anchored=bool(anchors))
        self._record(report, told)
        self.stdout.write(f"{told} {seconds:.1f} s.")
        if report.damage or missing:
            sys.exit(1)

    def _record(self, report: Report, told: str) -> None:
        code = ActionCode.AUDIT_FOUND_BAD if report.damage else ActionCode.AUDIT_VERIFIED
        record(code, actor_name=COMMAND_LINE, details={"found": told})


def _words(report: Report, key: Ed25519PublicKey | None, *, anchored: bool) -> str:
    if report.damage:
        return f"DAMAGED ({report.damage.kind}). {report.damage.message}"
    words = f"Sound: {report.rows} rows in {report.seals} seals"
    words += f", {report.archived} archived" if report.archived else ""
    words += f"; {report.unsealed} rows are not sealed yet." if report.unsealed else "."
    if report.bare:
        words += f" Seals 1 to {report.bare} are from before the key, and covered by the next one."
    if key is None:
        words += " No key: whoever can write the database can also make all seals anew."
    if not anchored:
        words += " No anchor: a cut end would not show."
    return words


def _keys(path: str | None) -> list[Ed25519PublicKey]:
    """Those of the file, else the one in use, else none."""
    try:
        if path:
            return keys.read_public(Path(path).read_bytes())
        in_use = keys.public_key()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except (ValueError, ImproperlyConfigured) as error:
        raise CommandError(f"The key cannot be read: {error}") from error
    return [in_use] if in_use else []


def _anchors(path: str) -> list[dict[str, Any]]:
    """Lines of JSON, each from its first brace on, as files and logs have them."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        found = [json.loads(one[one.index("{") :]) for one in lines if "{" in one]
        return [{"number": int(one["number"]), "digest": str(one["digest"])} for one in found]
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} holds no anchors that can be read.") from error
