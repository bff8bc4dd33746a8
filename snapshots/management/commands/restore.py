"""`manage restore`: a backup in the database's place, and nothing sent a second time."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.management.backup.contents import BackupReader, Manifest
from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.restoring import (
    RestoreOrder,
    age_of,
    read_manifest,
    restore_backup,
)
from snapshots.management.backup.secret import add_secret_arguments, secret_of
from snapshots.management.progress import Progress
from snapshots.management.verdict import public_keys_in


class Command(BaseCommand):
    help = (
        "Restores a file of `manage backup`. The portal must be stopped. Requests that were not"
        " finished then are looked for in the cloud and never sent again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        add_secret_arguments(parser)
        parser.add_argument(
            "--look", action="store_true", help="only check the file and tell of it"
        )
        parser.add_argument(
            "--replace", action="store_true", help="what the database holds now is lost"
        )
        parser.add_argument(
            "--damaged", action="store_true", help="restore a backup whose audit trail is damaged"
        )
        parser.add_argument(
            "--key", help="public keys of the seals (PEM), old ones too; else EVSPORTAL_AUDIT_KEY's"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path, progress = Path(options["file"]), Progress()
        order = RestoreOrder(
            replace=options["replace"],
            damaged=options["damaged"],
            public_keys=public_keys_in(options["key"]),
        )
        try:
            reader = BackupReader(path, secret_of(options))
            if options["look"]:
                self._tell(read_manifest(reader, path, progress))
                return
            unfinished = restore_backup(path, reader, order=order, progress=progress)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self._tell(reader.manifest)
        self.stdout.write(
            f"Restored. {len(unfinished)} unfinished requests are looked for in the cloud, and none"
            " is sent again. Everybody must sign in again. Rights, passwords and people are those"
            " of the backup. What was asked since then is not known here: tell people to look at"
            " their snapshots before they ask again."
        )

    def _tell(self, manifest: Manifest) -> None:
        hours = age_of(manifest).total_seconds() / 3600
        rows = sum(manifest.rows.values())
        self.stdout.write(
            f"A backup of {manifest.made_at[:19]} UTC, {hours:,.1f} hours old: {rows:,} rows of"
            f" {manifest.database}, release {manifest.version}, last seal {manifest.last_seal}."
            f" {manifest.trail}"
        )
