"""Sound trails to be damaged: in a database of this run, and as an export's files in memory."""

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

# The scene of rows is one for tests and for this run; the tool is not part of any package.
ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "audit"), str(ROOT / "tools")]


def enter(folder: Path, database: str) -> None:
    """Give this process a portal of its own, with an empty database."""
    os.environ |= {
        "EVSPORTAL_MODE": "sandbox",
        "EVSPORTAL_VAR": str(folder),
        "EVSPORTAL_AUDIT_SEAL_ROWS": "30",
        "DJANGO_SETTINGS_MODULE": "evsportal.settings",
    }
    os.environ.pop("DATABASE_URL", None)
    if database == "postgres":
        from tests import postgres

        os.environ["DATABASE_URL"] = postgres.url()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


class Memory:
    """An export's files, as `write_export` writes them."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}

    def begin(self, name: str) -> None:
        self._file = self.files[name] = bytearray()

    def write(self, data: bytes) -> None:
        self._file += data


@dataclass
class Trail:
    """A sound trail, with what an auditor has of it elsewhere."""

    files: dict[str, list[bytes]]
    public_pem: str  # text, since it goes to other processes
    anchors: list[dict]

    @property
    def key(self) -> Ed25519PublicKey:
        return load_pem_public_key(self.public_pem.encode())


def make(seed: int) -> Trail:
    """Fill the database with a trail of its own seed, seal it, and export it."""
    from django.conf import settings
    from trail_scene import action, fill

    from snapshots.audit.archive.export import ExportRequest, write_export
    from snapshots.audit.delivery.anchors import line
    from snapshots.audit.seals import keys
    from snapshots.audit.seals.sealing import latest_seal, seal_new_rows

    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    rng = random.Random(seed)
    fill(rng.randint(30, 50), seed=seed)
    last = action(rng, 1)
    last.save()
    action(rng, 2, seq=last.seq + 3).save()  # numbers that nobody got, as a rollback leaves them
    seal_new_rows(at_once=True)
    memory = Memory()
    write_export(memory, ExportRequest(made_by="audrey"))
    return Trail(
        files={name: bytes(data).splitlines(keepends=True) for name, data in memory.files.items()},
        public_pem=keys.public_pem(keys.public_key()),
        anchors=[json.loads(line(latest_seal()))],
    )


def empty() -> None:
    """Take everything away again, so that the next trail is small."""
    from django.db import connection

    from snapshots.audit.database import guards

    guards.lift()
    with connection.cursor() as cursor:
        for model in (*reversed(guards.GUARDED), guards.Entry):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    guards.install()
