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
        public_keys = _keys(options["key"])
        anchors = _anchors(options["anchor"]) if options["anchor"] else []
        began = time.monotonic()
        key = public_keys[0] if public_keys else None
        report = verify_in_parallel(
            options["processes"],
            public_keys=public_keys,
            anchors=anchors,
            since=options["since_seal"],
        )
        seconds = time.monotonic() - began
        missing = guards.missing()
        for name in missing:
            self.stderr.write(f"The trigger {name} is missing: run `manage migrate`.")
        sentence = _verdict(report, key, anchored=bool(anchors))
        self._record(report, sentence)
        self.stdout.write(f"{sentence} {seconds:.1f} s.")
        if report.damage or missing:
            sys.exit(1)

    def _record(self, report: Report, verdict: str) -> None:
        code = ActionCode.AUDIT_FOUND_BAD if report.damage else ActionCode.AUDIT_VERIFIED
        record(code, actor_name=COMMAND_LINE, details={"found": verdict})


def _verdict(report: Report, key: Ed25519PublicKey | None, *, anchored: bool) -> str:
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
        seals = [json.loads(seal[seal.index("{") :]) for seal in lines if "{" in seal]
        return [{"number": int(seal["number"]), "digest": str(seal["digest"])} for seal in seals]
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} holds no anchors that can be read.") from error
