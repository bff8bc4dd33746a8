"""`manage move_database`: the portal's rows from a SQLite file into an empty PostgreSQL."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from snapshots.management.move.errors import MoveError
from snapshots.management.move.moving import Moved, MoveOrder, move_database
from snapshots.management.progress import Progress
from snapshots.management.verdict import public_keys_in


class Command(BaseCommand):
    help = (
        "Moves the database from SQLite to the PostgreSQL of DATABASE_URL, and compares every row."
        " The portal must be stopped. The file is only read. A move that broke off goes on when"
        " the command is run again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--source",
            type=Path,
            help="the SQLite file; else the portal's own without DATABASE_URL",
        )
        parser.add_argument(
            "--again", action="store_true", help="empty what a move has begun, and begin again"
        )
        parser.add_argument(
            "--damaged", action="store_true", help="move a source whose audit trail is damaged"
        )
        parser.add_argument(
            "--key", help="public keys of the seals (PEM), old ones too; else EVSPORTAL_AUDIT_KEY's"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError(
                "Let DATABASE_URL name the PostgreSQL database that is to be filled."
            )
        order = MoveOrder(
            again=options["again"],
            damaged=options["damaged"],
            public_keys=public_keys_in(options["key"]),
        )
        path = options["source"] or settings.DATA_DIR / "portal.sqlite3"
        try:
            self._tell(path, move_database(path, order=order, progress=Progress()))
        except MoveError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename or path}: {error.strerror}.") from error

    def _tell(self, path: Path, moved: Moved) -> None:
        for table, texts in sorted(moved.changed.items()):
            self.stdout.write(
                f"{table}: in {texts} texts a NUL character became \u2400, since PostgreSQL stores"
                " none."
            )
        self.stdout.write(
            f"Moved {moved.rows.total():,} rows of {len(moved.rows)} tables, each compared with the"
            f" source. {moved.trail} Start the portal with this DATABASE_URL; put {path} away, so"
            " that no portal goes on with it."
        )
