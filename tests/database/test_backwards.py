"""Undoing and repeating the newest migrations, with rows in the tables."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.database.pooler import new_database
from tests.e2e.stack import ROOT, Stack

OLDER = "0003_audit"


@pytest.fixture
def manage(tmp_path):
    """Management commands of a portal with a database of its own, of the run's kind."""

    def run(*arguments, url=""):
        environ = Stack(tmp_path, **({"DATABASE_URL": url} if url else {})).environ
        argv = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            argv, cwd=ROOT, env=environ, check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    if connection.vendor != "postgresql":
        yield run
        return
    with new_database("backwards") as url:
        yield lambda *arguments: run(*arguments, url=url)


def test_newest_migrations_go_back_and_forth_with_rows(manage):
    manage("migrate")
    manage("seed_demo")
    manage("migrate", "snapshots", OLDER)
    assert "[ ] 0004" in manage("showmigrations", "snapshots")
    manage("migrate")
    assert "Sound" in manage("audit_verify")
    assert "no issues" in manage("check", "--database", "default")
