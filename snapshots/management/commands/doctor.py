"""`manage doctor`: looks at everything an operator would, and says what is wrong and what to do."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandParser

from snapshots.management.checkup.finding import Finding, Level
from snapshots.management.checkup.machine import (
    look_at_clock,
    look_at_database,
    look_at_disks,
    look_at_settings,
)
from snapshots.management.checkup.outside import (
    look_at_certificate,
    look_at_clouds,
    look_at_mail,
)
from snapshots.management.checkup.trail import look_at_pushes, look_at_trail
from snapshots.management.checkup.work import (
    look_at_breakers,
    look_at_broker,
    look_at_duties,
    look_at_requests,
    look_at_workers,
)
from snapshots.management.verdict import public_keys_in

_LABELS = {Level.GOOD: "ok", Level.WARNING: "warning", Level.WRONG: "WRONG"}


class Command(BaseCommand):
    help = (
        "Looks at settings, database, disk, clouds, workers, requests, audit trail, mail and"
        " certificate. Exit status 0: all is well, 1: there are warnings, 2: something is wrong."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="an object on standard output")
        parser.add_argument("--no-clouds", action="store_true", help="ask no cloud")
        parser.add_argument("--site", default="", help="as browsers write it: https://host[:port]")
        parser.add_argument(
            "--key", help="public keys of the seals (PEM), old ones too; else EVSPORTAL_AUDIT_KEY's"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = []
        for finding in _looks(options, public_keys_in(options["key"])):
            findings.append(finding)
            if not options["json"]:
                self._tell(finding)
        worst = max(finding.level for finding in findings)
        if options["json"]:
            rows = [
                asdict(finding) | {"level": _LABELS[finding.level].lower()} for finding in findings
            ]
            verdict = {"status": int(worst), "findings": rows}
            self.stdout.write(json.dumps(verdict, indent=1))
        if worst:
            sys.exit(worst)

    def _tell(self, finding: Finding) -> None:
        self.stdout.write(f"{_LABELS[finding.level]:<8} {finding.area}: {finding.text}")
        if finding.todo:
            self.stdout.write(f"{'':<8} -> {finding.todo}")
        self.stdout.flush()  # clouds may take their time


def _looks(options: dict[str, Any], keys: Sequence[Ed25519PublicKey]) -> Iterator[Finding]:
    database = list(look_at_database())
    answers = all(finding.level is not Level.WRONG for finding in database)
    yield from look_at_settings(with_database=answers)
    yield from database
    yield from look_at_disks()
    if answers:
        for look in (look_at_clock, look_at_workers, look_at_duties, look_at_requests):
            yield from look()
        yield from look_at_trail(keys)
        yield from look_at_pushes()
        yield from look_at_breakers()
        if not options["no_clouds"]:
            yield from look_at_clouds()
    yield from look_at_broker()
    yield from look_at_mail()
    yield from look_at_certificate(options["site"])
