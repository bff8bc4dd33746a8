"""`manage audit_verify`: proves the trail in the database, or names the first row that is wrong."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.audit.database import guards
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.audit.seals.parallel import processors, verify_in_parallel
from snapshots.audit.seals.verify import Report
from snapshots.management.verdict import public_keys_in, verdict_on
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
        public_keys = public_keys_in(options["key"])
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
        sentence = verdict_on(report, key, anchored=bool(anchors))
        self._record(report, sentence)
        self.stdout.write(f"{sentence} {seconds:.1f} s.")
        if report.damage or missing:
            sys.exit(1)

    def _record(self, report: Report, verdict: str) -> None:
        code = ActionCode.AUDIT_FOUND_BAD if report.damage else ActionCode.AUDIT_VERIFIED
        record(code, actor_name=COMMAND_LINE, details={"found": verdict})


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
