"""Locks between processes: refused, waited for, and freed when their holder is killed."""

import subprocess
import sys

import pytest
from django.db import connection

from snapshots.database.locks import ARCHIVE, MIGRATION, BusyError, process_lock

pytestmark = pytest.mark.django_db(transaction=True)
HOLD = f"""
import django, sys; django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from snapshots.database.locks import process_lock
with process_lock({MIGRATION}):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another process holds the lock of migrations."""
    argv = [sys.executable, "-c", HOLD, str(connection.settings_dict["NAME"])]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_lock_that_is_held_is_refused_at_once(holder):
    with pytest.raises(BusyError), process_lock(MIGRATION):
        pass


def test_another_lock_is_free(holder):
    with process_lock(ARCHIVE):
        pass


def test_a_killed_holder_holds_nothing(holder):
    holder.kill()
    holder.wait()
    with process_lock(MIGRATION, waiting="Waiting for a killed process."):
        pass


def test_waiting_is_said_and_ends_with_the_holder(holder, caplog):
    caplog.set_level("INFO", logger="snapshots.database.locks")
    caplog.handler.emit = release_when_told(holder, caplog.handler.emit)
    with process_lock(MIGRATION, waiting="Another process migrates; waiting."):
        assert holder.wait(10) == 0
    assert caplog.messages == ["Another process migrates; waiting."]


def release_when_told(holder, emit):
    """The holder ends only when the sentence was said: so nobody waited in silence."""

    def emit_and_release(record):
        emit(record)
        holder.stdin.close()

    return emit_and_release


def test_an_error_inside_frees_the_lock():
    with pytest.raises(ZeroDivisionError), process_lock(MIGRATION):
        raise ZeroDivisionError
    with process_lock(MIGRATION):
        pass


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL needs no file")
def test_lock_of_a_database_in_memory_litters_no_folder(db, tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    settings.VAR_DIR = tmp_path / "var"
    monkeypatch.setitem(connection.settings_dict, "NAME", "file:x?mode=memory&cache=shared")
    with process_lock(MIGRATION):
        assert [path.name for path in tmp_path.iterdir()] == ["var"]
