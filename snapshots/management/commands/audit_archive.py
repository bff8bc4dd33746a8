"""`manage audit_archive`: old records into sealed files, and then out of the database."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from snapshots.audit.archive.archive import ArchiveError, Order, archive, preview
from snapshots.audit.seals import keys


class Command(BaseCommand):
    help = (
        "Says which records are old enough for an archive. With --yes writes them to a file, "
        "verifies it, and only then removes them from the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--before", help="a day, 2026-01-01 (UTC); else as EVSPORTAL_AUDIT_KEEP_DAYS says"
        )
        parser.add_argument("--to", help="a folder; else EVSPORTAL_AUDIT_ARCHIVES")
        parser.add_argument("--key", help="public keys (PEM) of seals from before the key in use")
        parser.add_argument("--unsigned", action="store_true", help="also without a key")
        parser.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *_args: Any, **options: Any) -> None:
        order = Order(
            folder=_folder(options["to"]),
            before=_before(options["before"]),
            old_keys=_keys(options["key"]) if options["key"] else (),
            unsigned=options["unsigned"],
        )
        try:
            if options["yes"]:
                archive(order, say=self.stdout.write)
                return
            preview(order, say=self.stdout.write)
        except ArchiveError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Nothing was done: --yes does it.")


def _folder(text: str | None) -> Path:
    name = text or settings.EVSPORTAL_AUDIT_ARCHIVES
    if not name:
        raise CommandError("Where to? Name a folder with --to, or set EVSPORTAL_AUDIT_ARCHIVES.")
    return Path(name)


def _before(text: str | None) -> datetime:
    """The beginning of a day that is over or has begun."""
    today = timezone.now().astimezone(UTC).date()
    if text is None:
        days = settings.EVSPORTAL_AUDIT_KEEP_DAYS
        if not days:
            reason = "EVSPORTAL_AUDIT_KEEP_DAYS is 0: records are kept for ever. "
            raise CommandError(reason + "Name a day with --before to archive what is older.")
        day = today - timedelta(days=days)
    else:
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise CommandError("--before takes a day (UTC), written 2026-01-01.") from None
        if day > today:
            raise CommandError(f"--before {text} is in the future.")
    return datetime.combine(day, time.min, tzinfo=UTC)


def _keys(path: str) -> list[Ed25519PublicKey]:
    try:
        return keys.read_public(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"The key cannot be read: {error}") from error
