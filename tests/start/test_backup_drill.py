"""The drill: a portal at work is backed up, loses its database, and is restored and started."""

import json
import sqlite3
import subprocess
import urllib.request
from contextlib import closing

import pytest

from tests.e2e.stack import Stack
from tests.waiting import until


@pytest.fixture
def portal(tmp_path, prepare_database):
    prepare_database(tmp_path / "sandbox" / "portal.sqlite3")
    stack = Stack(tmp_path)
    yield stack
    stack.stop()


def people_in(stack):
    with closing(sqlite3.connect(stack.folder / "sandbox" / "portal.sqlite3")) as database:
        return database.execute("SELECT count(*) FROM auth_user").fetchone()[0]


def readiness(stack):
    with urllib.request.urlopen(f"{stack.url}/readyz", timeout=5) as answer:
        return json.load(answer)


@pytest.mark.timeout(300)  # seven starts of programs
def test_portal_is_restored_from_a_backup(portal, tmp_path):
    portal.start()
    place, key = tmp_path / "backups", tmp_path / "key"
    place.mkdir()
    key.write_text("correct horse battery staple")
    key.chmod(0o600)
    people = people_in(portal)
    assert "read back" in portal.manage("backup", str(place), "--passphrase-file", str(key))
    (path,) = place.iterdir()

    with pytest.raises(subprocess.CalledProcessError) as refused:
        portal.manage("restore", str(path), "--passphrase-file", str(key), "--replace")
    assert "Stop the portal on all machines" in refused.value.stderr

    portal.stop()
    for file in (tmp_path / "sandbox").glob("portal.sqlite3*"):
        file.unlink()
    said = portal.manage("restore", str(path), "--passphrase-file", str(key))
    assert "Restored." in said
    assert people_in(portal) == people
    assert "Sound" in portal.manage("audit_verify")

    portal.start()
    # The worker of the backup's time counts for its last seconds; the new one is waited for.
    ready = {"ready": True, "checks": {"database": "ok", "migrations": "ok"}, "worker": "ok"}
    until(lambda: readiness(portal) == ready, seconds=60)
