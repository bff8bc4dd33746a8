"""`manage audit_export`: the trail with its seals and a manifest, into a folder or a ZIP."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import output_at
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.models import ActionCode


class Command(BaseCommand):
    help = "Writes all rows of the audit trail with their seals; verify_audit.py proves the result."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, help="a new folder, or a new file named ….zip")
        parser.add_argument("--csv", action="store_true", help="also as CSV, for people")
        parser.add_argument("--since-seal", type=int, default=1)
        parser.add_argument("--until-seal", type=int, help="and no row beyond it")

    def handle(self, *_args: Any, **options: Any) -> None:
        selection = ExportRequest(
            made_by=COMMAND_LINE,
            csv=options["csv"],
            since=options["since_seal"],
            until=options["until_seal"],
        )
        record(
            ActionCode.AUDIT_EXPORTED,
            actor_name=COMMAND_LINE,
            details={"to": options["to"], "since seal": str(selection.since)},
        )
        try:
            with output_at(Path(options["to"])) as place:
                manifest = write_export(place, selection)
        except OSError as error:
            message = f"{options['to']}: {error.strerror}. The export is not complete."
            raise CommandError(message) from error
        rows = sum(manifest["rows"].values())
        self.stdout.write(f"{rows} rows and {manifest['seals']} seals are in {options['to']}.")
