"""`manage backup` and `manage restore`: one moment while others write; refused with the reason."""

import io
import os
import resource
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from snapshots.audit.database import guards
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.database import in_use
from snapshots.jobs.workers import process_mark
from snapshots.management.backup import postgres, restoring
from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.making import make_backup
from snapshots.management.backup.secret import Secret
from snapshots.management.progress import Progress
from snapshots.models import Action, Exchange, Operation, Volume, Worker, folded
from tests import factories
from tests.audit.trail_scene import fill
from tests.backup.made import backed_up, restored
from tests.database.standing import another_transaction
from tests.operations.test_dead_workers import worker_row

ON_SQLITE = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a file's lock")
ON_POSTGRES = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="its sessions")
# A restore writes to these: it ends claims and sessions, and is on record.
TOUCHED = {
    *("snapshots_action", "snapshots_duty", "snapshots_worker", "snapshots_opensession"),
    *("django_session", "snapshots_entry", "snapshots_entry_words"),
}


@pytest.fixture
def portal(transactional_db):
    """A portal with people, a sealed trail and finished requests."""
    fill(40)
    alice = factories.person("alice")
    factories.snapshot(factories.operation(alice, factories.volume(), state="succeeded"))
    seal_new_rows(at_once=True)
    return alice


def restore(path, *options):
    output = io.StringIO()
    call_command("restore", str(path), *options, stdout=output)
    return output.getvalue()


def tables():
    """Every row of every table that a restore leaves as it is in the backup."""
    contents = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - TOUCHED):
            if not table.startswith("snapshots_entry_words"):
                cursor.execute(f'SELECT * FROM "{table}"')
                contents[table] = sorted(repr(row) for row in cursor.fetchall())
    return contents


def test_everything_comes_back(portal, tmp_path):
    before = tables()
    path, manifest = backed_up(tmp_path)
    Volume.objects.update(name="changed")
    factories.person("bob")
    Group.objects.create(name="new")
    restored(path)
    assert tables() == before
    assert Action.objects.filter(code="database:restore").count() == 1
    assert manifest.rows["snapshots_exchange"] == Exchange.objects.count()
    assert manifest.last_seal == 1
    assert manifest.trail.startswith("Sound")


def test_database_guards_itself_and_takes_rows_after_a_restore(portal, tmp_path):
    restored(backed_up(tmp_path)[0])
    assert guards.missing() == []
    assert folded.missing() == []
    bob = factories.person("bob")
    volume = factories.volume("Ünlü")
    factories.operation(bob, volume)
    fill(5, seed=2)
    assert Volume.objects.get(pk=volume.pk).folded.startswith("unlu")


def test_backup_is_of_one_moment_while_others_write(portal, tmp_path):
    """Two rows change together a thousand times; a copy in pieces would show them differ."""
    over = threading.Event()
    pair = [factories.volume(name).pk for name in ("first", "second")]

    def write():
        with closing(connection):
            number = 0
            while not over.is_set():
                number += 1
                with transaction.atomic():
                    for key in pair:
                        Volume.objects.filter(pk=key).update(size_gb=number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        paths = [backed_up(tmp_path / f"{number}.backup")[0] for number in range(3)]
    finally:
        over.set()
        thread.join(30)
    for path in paths:
        restored(path)
        first, second = Volume.objects.filter(pk__in=pair).values_list("size_gb", flat=True)
        assert first == second


def test_file_is_for_its_owner_and_alone(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    assert path.name.startswith("evsportal-2")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


@ON_SQLITE
def test_encrypted_backup_lies_nowhere_open_beside_backups(portal, tmp_path):
    class Watching(Progress):
        files = set()

        def step(self, *args, **options):
            self.files |= set(tmp_path.iterdir())
            assert not any(portal.username.encode() in path.read_bytes() for path in self.files)
            return super().step(*args, **options)

    progress = Watching(io.StringIO())
    secret = Secret("hkdf-sha256", os.urandom(32))
    make_backup(tmp_path, secret=secret, public_keys=(), progress=progress)
    assert len(progress.files) == 1


@ON_POSTGRES
def test_limits_of_a_role_do_not_end_a_backup(transactional_db):
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"SET {name} = '1h'")
        with postgres.one_moment():
            for name in names:
                cursor.execute(f"SHOW {name}")
                assert cursor.fetchone() == ("0",)
    connection.close()


def test_nothing_is_written_over(portal, tmp_path):
    path = tmp_path / "mine"
    path.write_text("mine")
    with pytest.raises(BackupError, match="exists already"):
        backed_up(path)
    assert path.read_text() == "mine"


def test_encrypted_backup_comes_back_by_its_key_alone(portal, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    path = tmp_path / "backup"
    call_command("backup", str(path), "--key-file", str(key), stdout=io.StringIO())
    assert portal.username.encode() not in path.read_bytes()
    with pytest.raises(CommandError, match="is encrypted"):
        restore(path, "--replace")
    User.objects.filter(pk=portal.pk).update(first_name="changed")
    assert "Restored." in restore(path, "--replace", "--key-file", str(key))
    assert User.objects.get(pk=portal.pk).first_name == ""


def test_looking_changes_nothing(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    before = tables()
    said = restore(path, "--look")
    assert "last seal 1" in said
    assert "Sound" in said
    assert tables() == before


# --- refusals --------------------------------------------------------------------------------


def refused(path, *options):
    """Why; and that nothing was changed by it."""
    before = tables()
    with pytest.raises(CommandError) as caught:
        restore(path, *options)
    assert tables() == before
    assert guards.missing() == []
    assert not Action.objects.filter(code="database:restore").exists()
    return str(caught.value)


def test_filled_database_is_replaced_only_when_told(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    assert "1 operations" in refused(path)


def test_running_worker_is_named(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    worker_row("node-2:17:abc")
    assert "node-2:17:abc" in refused(path, "--replace")


@ON_SQLITE
def test_running_web_server_is_noticed(portal, tmp_path, monkeypatch):
    monkeypatch.setattr(in_use, "_held", [])
    path, _ = backed_up(tmp_path)
    in_use.share_database()
    try:
        assert "Stop the portal on all machines" in refused(path, "--replace")
    finally:
        in_use._held[0].close()
    assert "Restored." in restore(path, "--replace")


@ON_POSTGRES
def test_other_session_of_the_database_is_noticed(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    with another_transaction(User.objects.count):
        assert "1 other sessions are connected" in refused(path, "--replace")


def test_truncated_file_is_refused(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged or was cut off" in refused(path, "--replace")


def test_backup_of_newer_code_is_refused(portal, tmp_path, monkeypatch):
    path, manifest = backed_up(tmp_path)
    newest = max(name for name in manifest.migrations if name.startswith("snapshots."))
    monkeypatch.setattr(restoring, "known_migrations", lambda: {*manifest.migrations} - {newest})
    assert f"of newer code (0.1.0): this code does not know {newest}" in refused(path, "--replace")


def test_backup_from_before_the_first_release_is_refused(portal, tmp_path):
    recorder = MigrationRecorder(connection)
    recorder.record_applied("snapshots", "0001_tables")
    path, _ = backed_up(tmp_path)
    recorder.record_unapplied("snapshots", "0001_tables")
    assert "before the portal's first release" in refused(path, "--replace")


def test_backup_of_the_other_mode_is_refused(portal, tmp_path, settings):
    path, _ = backed_up(tmp_path)
    settings.EVSPORTAL_MODE = "cloud"
    assert "in mode 'sandbox'" in refused(path, "--replace")


def test_damaged_trail_is_restored_only_when_told(portal, tmp_path):
    guards.lift()
    lost = Exchange.objects.earliest("seq").seq
    Exchange._base_manager.filter(seq=lost)._raw_delete("default")
    guards.install()
    path = tmp_path / "backup"
    with pytest.raises(SystemExit):
        call_command("backup", str(path), stdout=io.StringIO())
    assert f"Row {lost} of exchange is missing" in refused(path, "--replace")
    assert "DAMAGED (missing)" in restore(path, "--replace", "--damaged")


def test_restore_that_breaks_off_at_the_end_changes_nothing(portal, tmp_path, monkeypatch):
    path, _ = backed_up(tmp_path)
    Volume.objects.update(name="newer")

    def break_off(**_facts):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "take_over_backup", break_off)
    assert "No space left on device" in refused(path, "--replace")
    assert set(Volume.objects.values_list("name", flat=True)) == {"newer"}


def test_backup_on_a_full_disk_leaves_nothing(portal, tmp_path):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most))
    try:
        with pytest.raises(BackupError, match=r"No backup was made\.$"):
            backed_up(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert list(tmp_path.iterdir()) == []


def test_progress_is_drawn_on_a_terminal_alone():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        with Progress(stream).step("writing", 2_000_000) as advance:
            advance(1_000_000)
    assert "writing" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[K")
    assert file.getvalue() == ""


def test_ended_worker_is_no_obstacle(portal, tmp_path):
    path, _ = backed_up(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = process_mark(child.pid)
    child.communicate()
    worker_row("dead", process=mark)
    assert "Restored." in restore(path, "--replace")
    assert not Worker.objects.exists()
    assert Operation.objects.count() == 1
