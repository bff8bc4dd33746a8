"""A file that somebody made, whole by its digests, is refused in words and changes nothing."""

from dataclasses import asdict

import pytest
from django.contrib.auth.models import User
from django.db import connection

from snapshots.management.backup.contents import BackupWriter
from snapshots.management.backup.errors import BackupError
from tests import factories
from tests.backup.made import backed_up, restored

PARTS = [
    [],
    [("evil", b"1")],
    [("../../etc/passwd", b"1")],
    [("database", b"not SQLite")],
    [("database", b"SQLite format 3\0" + bytes(5000))],
    [("table auth_user", b"1\n")],
    [("columns auth_user", b"\xff\xfe")],
    [("columns auth_user", b'id") FROM STDIN; DROP TABLE auth_user; --')],
    [("columns no_table", b"id"), ("table no_table", b"1\n")],
    [("\xff\0", b"")],
]


@pytest.fixture
def facts(transactional_db, tmp_path):
    """Of a good backup of this very database."""
    factories.person("alice")
    _path, manifest = backed_up(tmp_path)
    return {name: value for name, value in asdict(manifest).items() if name not in NOT_FACTS}


NOT_FACTS = {"digests", "kind", "format"}


@pytest.mark.parametrize("parts", PARTS)
def test_forged_parts_are_refused_in_words(facts, tmp_path, parts):
    path = tmp_path / "forged"
    with path.open("wb") as file:
        writer = BackupWriter(file, None)
        for name, content in parts:
            writer.part(name, content)
        writer.finish(facts)
    before = sorted(entry.name for entry in tmp_path.iterdir())
    with pytest.raises(BackupError):
        restored(path)
    assert User.objects.get().username == "alice"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before
    assert connection.is_usable()
