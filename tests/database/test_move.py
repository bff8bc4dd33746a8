"""`manage move_database`: every row of every table, once, whatever breaks off; refusals."""

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from snapshots.audit.database import guards
from snapshots.database import in_use
from snapshots.management import database
from snapshots.management.database import bring_up_to_date
from snapshots.management.move import moving, target
from snapshots.management.move.columns import table_of
from snapshots.management.move.errors import MoveError, UnfitError
from snapshots.management.move.source import moved_models
from snapshots.models import Action, Exchange, Volume, folded, version_triggers
from tests import factories
from tests.database import filled
from tests.database.pooler import new_database
from tests.e2e.stack import ROOT, Stack
from tests.operations.test_dead_workers import worker_row
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="rows are moved into PostgreSQL"
)


@pytest.fixture(autouse=True)
def _databases(django_db_setup, django_db_blocker):
    """The tests open databases of their own."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory, django_db_setup, django_db_blocker):
    folder = tmp_path_factory.mktemp("filled")
    with django_db_blocker.unblock():
        filled.fill_file(folder / "portal.sqlite3", folder / "archives")
        connection.close()
    return folder / "portal.sqlite3"


@pytest.fixture
def file(filled_file, tmp_path):
    return shutil.copy(filled_file, tmp_path / "portal.sqlite3")


@pytest.fixture
def place():
    """The address of an empty database."""
    with new_database("moved") as address:
        yield address


def move(file, place, *options):
    output = io.StringIO()
    with filled.portal_at(place):
        call_command("move_database", "--source", str(file), *options, stdout=output)
    return output.getvalue()


def refused(file, place, *options):
    with pytest.raises(CommandError) as caught:
        move(file, place, *options)
    return str(caught.value)


def change(file, sql, *values):
    with closing(sqlite3.connect(file)) as database:
        for name in ("evsportal_fold", "evsportal_words"):
            database.create_function(name, 1, lambda _text: "folded")
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(sql, values)
        database.commit()


def without_guards(file, sql, *values):
    with filled.portal_at(f"sqlite:///{file}"):
        guards.lift()
    change(file, sql, *values)
    with filled.portal_at(f"sqlite:///{file}"):
        guards.install()


def test_source_has_rows_in_every_table(filled_file):
    with filled.portal_at(f"sqlite:///{filled_file}"):
        empty = [table for table, rows in filled.counts().items() if not rows]
    assert empty == []


def test_every_row_of_every_table_is_moved(file, place):
    before = file.read_bytes()
    with filled.portal_at(f"sqlite:///{file}"):
        rows = filled.counts()
    said = move(file, place)
    assert f"Moved {sum(rows.values()):,} rows of {len(rows)} tables" in said
    assert "Sound: " in said
    with filled.portal_at(place):
        # The move itself is on record, and found by the search.
        rows["snapshots_action"] += 1
        rows["snapshots_entry"] += 1
        assert filled.counts() == rows
        assert Action.objects.latest("seq").code == "database:move"
    assert file.read_bytes() == before


def test_moved_database_works_as_its_own(file, place):
    move(file, place)
    with filled.portal_at(place):
        assert guards.missing() + folded.missing() + version_triggers.missing() == []
        call_command("check", databases=["default"])
        call_command("audit_verify", stdout=io.StringIO())
        alice = User.objects.get(username="alice")
        assert alice.check_password("demo")
        new = factories.operation(alice, factories.volume("new"))  # numbers go on behind
        last = Exchange.objects.latest("seq").seq
        assert factories.exchange(new).seq > last
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")
            assert cursor.fetchone()[0] > 30


def test_numbers_go_on_beyond_rows_that_are_gone(file, place):
    change(file, "UPDATE sqlite_sequence SET seq = 90000 WHERE name = 'snapshots_action'")
    move(file, place)
    with filled.portal_at(place):
        assert Action.objects.latest("seq").seq == 90_001


def test_nul_becomes_its_picture_outside_of_the_trail(file, place):
    said = move(file, place)
    assert "snapshots_volume: in " in said
    with filled.portal_at(place):
        volume = Volume.objects.earliest("pk")
    assert volume.name == "nul\u2400<b>"
    assert volume.metadata == {"a\u2400b": ["?", "😀", 10**18]}


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("volume", "size_gb", 2**31, "a number beyond 2,147,483,647"),
        ("volume", "size_gb", "many", "a value of str where int belongs"),
        ("volume", "name", "x" * 256, "a text of 256 characters where 255 are the most"),
        ("volume", "name", b"\xff", "a value of bytes where str belongs"),
        ("volume", "metadata", "{", "a text that is no JSON"),
        ("volume", "metadata", '{"a": NaN}', "a text that is no JSON"),
        ("volume", "seen_at", "2026-02-30 09:00:00", "a time that cannot be read"),
        ("volume", "seen_at", "0000-01-01 09:00:00", "a time that cannot be read"),
        ("volume", "bootable", 2, "a truth value that is neither 0 nor 1"),
        ("operation", "batch", "x" * 32, "an id that is not spelt as 32 hexadecimal digits"),
        ("operation", "waited_seconds", "long", "a value of str where a number belongs"),
        ("quotaday", "day", "2026-13-01", "a day that cannot be read"),
    ],
)
def test_value_that_does_not_fit_is_refused(table, column, value, reason):
    tables = (table_of(model, Counter()) for model in moved_models())
    (columns,) = [each.columns for each in tables if each.name == f"snapshots_{table}"]
    (refusing,) = [each for each in columns if each.name == column]
    with pytest.raises(UnfitError) as caught:
        refusing.write(value)
    assert str(caught.value) == reason


def test_row_that_does_not_fit_is_named(file, place):
    change(file, "UPDATE snapshots_volume SET size_gb = ?", 2**31)
    assert "of snapshots_volume has in size_gb a number beyond 2,147,483,647." in refused(
        file, place
    )


def test_nul_in_the_trail_is_refused(file, place):
    key = "(SELECT max(seq) FROM snapshots_action)"
    without_guards(file, f"UPDATE snapshots_action SET subject = ? WHERE seq = {key}", "a\0b")
    assert "DAMAGED (changed)" in refused(file, place)
    assert "a text with a NUL character" in refused(file, place, "--damaged")


# --- breaking off ----------------------------------------------------------------------------


class Broken(Exception):
    pass


@pytest.mark.parametrize("steps", [0, 1, 9, 40])
def test_move_that_broke_off_goes_on(file, place, steps, monkeypatch):
    """After any number of stored batches, the end of the tables among them."""
    monkeypatch.setattr(moving, "MOST_ROWS", 7)
    note, stored = target.note, []

    def break_off(table, last_key, **facts):
        note(table, last_key, **facts)
        stored.append(table)
        if len(stored) > steps:
            raise Broken

    monkeypatch.setattr(target, "note", break_off)
    with pytest.raises(Broken):
        move(file, place)
    monkeypatch.setattr(target, "note", note)
    with filled.portal_at(place), pytest.raises(CommandError, match="has begun and not ended"):
        bring_up_to_date(also_filled=True, report=print)
    assert "each compared" in move(file, place)


def test_start_that_waited_refuses_a_broken_move(file, place, monkeypatch):
    """It looked before the move began, and found no table of the move."""

    @contextmanager
    def wait_for_move(*_args, **_options):
        connection.close()
        monkeypatch.setattr(moving, "_copy", broken)
        with pytest.raises(Broken):
            move(file, place)
        yield

    def broken(*_args):
        raise Broken

    monkeypatch.setattr(database, "process_lock", wait_for_move)
    with filled.portal_at(place), pytest.raises(CommandError, match="has begun and not ended"):
        bring_up_to_date(also_filled=True, report=print)


def test_limits_of_the_role_do_not_end_a_move(file, place, monkeypatch):
    name, finish, limits = place.rpartition("/")[2], target.finish, []
    with psycopg.connect(place, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} SET statement_timeout = '1h'")

    def look_and_finish(**facts):
        limits.extend(target._ask("SHOW statement_timeout"))
        finish(**facts)

    monkeypatch.setattr(target, "finish", look_and_finish)
    move(file, place)
    assert limits == [("0",)]


def test_refusal_of_rows_quotes_none(place):
    with filled.portal_at(place):
        call_command("migrate", verbosity=0)
        table = table_of(User, Counter())
        row = ["planted" if column.name == "password" else None for column in table.columns]
        with pytest.raises(MoveError) as caught:
            moving._write(table, [tuple(row)])
    assert "PostgreSQL refuses rows of auth_user: " in str(caught.value)
    assert "planted" not in str(caught.value)


def test_killed_move_goes_on_where_it_was(file, place):
    bodies = [(f"{number:032x}", "y" * 2000) for number in range(60_000)]
    with closing(sqlite3.connect(file)) as database:
        sql = "INSERT INTO django_session VALUES (?, ?, '2030-01-01 00:00:00')"
        database.executemany(sql, bodies)
        database.commit()
    environ = Stack(file.parent, DATABASE_URL=place).environ
    argv = [sys.executable, "manage.py", "move_database", "--source", str(file)]
    process = subprocess.Popen(argv, cwd=ROOT, env=environ)
    base, _, name = place.rpartition("/")
    with psycopg.connect(f"{base}/postgres", autocommit=True) as onlooker:
        sql = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND query LIKE %s"
        until(
            lambda: onlooker.execute(sql, [name, 'COPY "django_session"%']).fetchone(), seconds=60
        )
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        sql = "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
        until(lambda: onlooker.execute(sql, [name]).fetchone() is None)
    with filled.portal_at(place):
        assert len(target.places()) > 10
    assert "each compared" in move(file, place)
    with filled.portal_at(place):
        assert filled.counts()["django_session"] > 60_000


def test_source_changed_since_the_move_began_is_noticed(file, place, monkeypatch):
    monkeypatch.setattr(moving, "_compare", lambda *_: pytest.fail("not so far"))
    with pytest.raises(pytest.fail.Exception):
        move(file, place)
    monkeypatch.undo()
    change(file, "UPDATE snapshots_quota SET in_use = in_use + 1")
    assert "snapshots_quota differs in in_use" in refused(file, place)
    assert "each compared" in move(file, place, "--again")


# --- refusals --------------------------------------------------------------------------------


def test_filled_target_is_refused(file, place):
    move(file, place)
    assert "is not empty, it holds rows of" in refused(file, place)
    assert "is not empty" in refused(file, place, "--again")


def test_foreign_target_is_refused_and_kept(file, place):
    with psycopg.connect(place, autocommit=True) as other:
        other.execute("CREATE TABLE invoices AS SELECT 1 AS number")
    assert "tables that are not the portal's: invoices" in refused(file, place, "--again")


def test_target_that_others_use_is_refused(file, place):
    with psycopg.connect(place):
        assert "1 other sessions are connected" in refused(file, place)


def test_source_with_a_living_worker_is_refused(file, place):
    with filled.portal_at(f"sqlite:///{file}"):
        worker_row("node-2:17:abc")
    assert "seen within the last 20 seconds: node-2:17:abc" in refused(file, place)


def test_source_that_a_web_process_uses_is_refused(file, place, monkeypatch):
    monkeypatch.setattr(in_use, "_held", [])
    with filled.portal_at(f"sqlite:///{file}"):
        in_use.share_database()
    try:
        assert "web or worker processes of the portal run" in refused(file, place)
    finally:
        in_use._held[0].close()


def test_source_of_older_code_is_refused(file, place):
    newest = "(SELECT max(id) FROM django_migrations WHERE app = 'snapshots')"
    change(file, f"DELETE FROM django_migrations WHERE id = {newest}")
    assert "is of older code, without snapshots.0" in refused(file, place)


def test_source_of_newer_code_is_refused(file, place):
    change(file, "INSERT INTO django_migrations VALUES (999, 'snapshots', '0999_new', '')")
    assert "is of newer code: this code does not know snapshots.0999_new" in refused(file, place)


def test_source_from_before_the_first_release_is_refused(file, place):
    change(file, "INSERT INTO django_migrations VALUES (999, 'snapshots', '0001_tables', '')")
    assert "before the portal's first release" in refused(file, place)


def test_source_of_the_other_mode_is_refused(file, place, settings):
    settings.EVSPORTAL_MODE = "cloud"
    assert "used by the sandbox" in refused(file, place)


def test_source_with_other_tables_is_refused(file, place):
    change(file, "CREATE TABLE invoices (number)")
    assert "tables that are not the portal's: invoices" in refused(file, place)


def test_row_that_refers_to_nothing_is_named(file, place):
    change(file, "UPDATE snapshots_grantmatch SET grant_id = 99999")
    assert "A row of snapshots_grantmatch (rowid 1) refers" in refused(file, place)


def test_missing_and_damaged_sources_are_refused(file, place, tmp_path):
    assert "There is no file" in refused(tmp_path / "none", place)
    with file.open("r+b") as content:
        content.seek(100)
        content.write(b"\xff" * 4000)
    assert "cannot be read: " in refused(file, place)


def test_sqlite_as_target_is_refused(file, tmp_path):
    assert "name the PostgreSQL database" in refused(file, f"sqlite:///{tmp_path}/other")
