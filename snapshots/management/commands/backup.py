"""`manage backup`: the whole database in one verified file, while the portal runs."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.making import make_backup
from snapshots.management.backup.secret import add_secret_arguments, secret_of
from snapshots.management.progress import Progress
from snapshots.management.verdict import public_keys_in


class Command(BaseCommand):
    help = (
        "Writes the database as it is now into one file, and reads the file back. The portal may"
        " run meanwhile. Exit status 1: the audit trail is damaged, and was backed up as it is."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("place", help="a new file, or a folder that gets one named by the time")
        add_secret_arguments(parser)
        parser.add_argument(
            "--key", help="public keys of the seals (PEM), old ones too; else EVSPORTAL_AUDIT_KEY's"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            path, manifest = make_backup(
                Path(options["place"]),
                secret=secret_of(options),
                public_keys=public_keys_in(options["key"]),
                progress=Progress(),
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows, size = sum(manifest.rows.values()), path.stat().st_size
        self.stdout.write(
            f"{path}: {rows:,} rows, {size / 1e6:,.1f} MB, read back. {manifest.trail}"
        )
        if manifest.is_damaged:
            sys.exit(1)
