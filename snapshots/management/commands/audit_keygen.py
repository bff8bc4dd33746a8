"""`manage audit_keygen`: a new key that signs the seals, or the public half of the one in use."""

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.audit.seals import keys


class Command(BaseCommand):
    help = "Writes a new private key to a file, readable by its owner only, and prints the public."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", help="where the private key goes; must not exist")
        parser.add_argument("--public", action="store_true", help="print the public key in use")

    def handle(self, *_args: Any, path: str | None, public: bool, **_options: Any) -> None:
        if public == (path is not None):
            raise CommandError("Name a file for a new key, or ask for --public.")
        self.stdout.write(_public_in_use() if path is None else self._new(Path(path)), ending="")

    def _new(self, path: Path) -> str:
        pem = keys.new_key()
        try:
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}. No key was written.") from error
        with os.fdopen(number, "wb") as file:
            file.write(pem)
        key = keys.read_private(pem.decode()).public_key()
        self.stderr.write(
            f"The private key is in {path}; its id is {keys.key_id_of(key)}. "
            f"Set EVSPORTAL_AUDIT_KEY_FILE={path.resolve()} for the "
            "worker, keep a copy where the portal cannot reach, and give auditors what follows:"
        )
        return keys.public_pem(key)


def _public_in_use() -> str:
    try:
        key = keys.public_key()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    if key is None:
        raise CommandError("EVSPORTAL_AUDIT_KEY is not set: seals are not signed.")
    return keys.public_pem(key)
