"""Portals with an invented trail, made once and kept if that was asked."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stack import ROOT, Stack, running


@dataclass(frozen=True)
class Loaded:
    """A portal's folder and settings; its database holds so many exchanges and their seals, and
    snapshots, where so many are wanted.
    """

    exchanges: int
    snapshots: int
    folder: Path
    settings: dict[str, str]

    @property
    def key(self) -> Path:
        return self.folder / "public.pem"

    @property
    def notes(self) -> dict[str, Any]:
        """How long it took to make, and what is in it."""
        return dict(json.loads((self.folder / "loaded.json").read_text()))

    def python(self, *args: str) -> str:
        """Run something of the portal; its output."""
        environ = Stack(self.folder, **self.settings).environ
        done = subprocess.run(
            [sys.executable, *args], cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    def manage(self, *args: str) -> str:
        return self.python("manage.py", *args)

    def within(self, *args: str) -> dict[str, Any]:
        """A task of `tests/bench/within.py`, and what it tells."""
        lines = self.python("-m", "tests.bench.within", *args).splitlines()
        return dict(json.loads(lines[-1]))

    @contextmanager
    def served(self) -> Iterator[Stack]:
        """Without a worker, which would have its own to do."""
        parts = ("--no-worker", "--no-sandbox")
        with running(self.folder, *parts, ready="/healthz", **self.settings) as stack:
            yield stack


def load(folder: Path, *, exchanges: int, database: str, snapshots: int = 0) -> Loaded:
    """Load it, unless it is there already."""
    name = f"{exchanges}_{snapshots}" if snapshots else f"{exchanges}"
    own = folder / f"{database.partition(':')[0]}-{name}"
    own.mkdir(parents=True, exist_ok=True)
    settings = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
    if database != "sqlite":
        settings["DATABASE_URL"] = database_at(database, f"bench_{name}")
    key = own / "audit.key"
    if not key.exists():
        unsigned = Loaded(exchanges, snapshots, own, settings)
        unsigned.key.write_text(unsigned.manage("audit_keygen", str(key)))
    keyed = settings | {"EVSPORTAL_AUDIT_KEY_FILE": str(key)}
    loaded = Loaded(exchanges, snapshots, own, keyed)
    if not (own / "loaded.json").exists():
        (own / "loaded.json").write_text(json.dumps(_fill(loaded)))
    return loaded


def _fill(loaded: Loaded) -> dict[str, Any]:
    loaded.manage("migrate", "--verbosity", "0")
    options = ["--exchanges", str(loaded.exchanges)]
    if loaded.snapshots:
        options += ["--snapshots", str(loaded.snapshots)]
    said = loaded.manage("seed_load", *options)
    load_s, seal_s = (float(text) for text in re.findall(r"ed in ([\d.]+) s", said))
    sample = loaded.within("sample_of_snapshots" if loaded.snapshots else "sample")
    return {"load_s": load_s, "seal_s": seal_s, "sample": sample}


def server(database: str) -> str:
    """`sqlite`, or the URL of a PostgreSQL server: the one named, or a new one for this run."""
    if database != "postgres":
        return database
    from tests import postgres

    return postgres.durable_url()


def database_at(server_url: str, name: str) -> str:
    import psycopg

    base = server_url.rpartition("/")[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
    return f"{base}/{name}"
