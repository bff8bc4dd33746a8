"""Every command finds its tables, or says in a sentence what to do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from snapshots.checks import check_folding
from snapshots.management import database
from snapshots.management.checkup import machine
from snapshots.management.checkup.finding import Level
from snapshots.management.database import WITHOUT_TABLES, bring_up_to_date
from snapshots.models import VolumeGrant, version_triggers

ROOT = Path(__file__).resolve().parents[2]
# Commands that read or write tables, each as an operator would type it in a fresh folder, with what
# its output must hold.
COMMANDS = [
    (["audit_verify"], "Sound: 0 rows"),
    (["audit_export", "--to", "{folder}/export"], ""),
    (["audit_archive"], ""),
    (["backup", "{folder}"], "read back. Sound: 0 rows"),
    (["restore", "{folder}/none.backup"], "No such file"),
    (["cloud_ping"], "No connection"),
    (
        ["createsuperuser", "--noinput", "--username", "chief", "--email", "c@example.com"],
        "created",
    ),
    (["changepassword", "chief"], "user 'chief' does not exist"),
    (["dumpdata", "auth.group"], "helpdesk"),
]


def manage(folder, *arguments, program=("manage.py",), **environ):
    clean = {name: text for name, text in os.environ.items() if "EVSPORTAL" not in name}
    clean.pop("DATABASE_URL", None)
    clean |= {
        "DJANGO_SETTINGS_MODULE": "evsportal.settings",
        "EVSPORTAL_VAR": str(folder),
        "EVSPORTAL_MODE": "sandbox",
        "EVSPORTAL_SANDBOX_URL": "http://127.0.0.1:1",
        **environ,
    }
    argv = [sys.executable, *program, *arguments]
    return subprocess.run(
        argv, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "output"), COMMANDS, ids=[arguments[0] for arguments, _ in COMMANDS]
)
def test_command_in_a_fresh_folder_makes_its_tables(arguments, output, tmp_path):
    done = manage(tmp_path, *(word.format(folder=tmp_path) for word in arguments))
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "no such table" not in said
    assert output in said
    assert (tmp_path / "sandbox" / "portal.sqlite3").stat().st_size > 100_000
    assert not (tmp_path / "portal.sqlite3").exists()
    assert "The database is up to date." in done.stderr  # not among a command's own data


def test_two_commands_at_once_make_the_tables_once(tmp_path):
    environ = os.environ | {
        "DJANGO_SETTINGS_MODULE": "evsportal.settings",
        "EVSPORTAL_VAR": str(tmp_path),
        "EVSPORTAL_MODE": "sandbox",
        "DATABASE_URL": "",
    }
    argv = [sys.executable, "manage.py", "dumpdata", "auth.group"]
    both = [
        subprocess.Popen(
            argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all("helpdesk" in stdout for stdout, _ in outputs)


def test_each_command_without_tables_exists():
    assert set(get_commands()) >= WITHOUT_TABLES


@pytest.fixture
def last_migration_missing(db):
    """The database as an older version of the portal would leave it: one migration is not noted."""
    recorder = MigrationRecorder(connection)
    name = max(name for app, name in recorder.applied_migrations() if app == "snapshots")
    recorder.record_unapplied("snapshots", name)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="a SQLite file is migrated")
def test_command_on_older_database_says_what_to_do(last_migration_missing):
    with pytest.raises(CommandError, match=r"older version.*`\./run manage migrate`"):
        bring_up_to_date(also_filled=False, report=print)


def test_foreign_older_database_stays_unchanged(last_migration_missing, settings, monkeypatch):
    VolumeGrant.objects.create(
        cloud="sandbox", scope="cloud", user=User.objects.create(username="alice")
    )
    monkeypatch.setattr(database, "call_command", lambda *_, **__: pytest.fail("it was migrated"))
    settings.EVSPORTAL_MODE = "cloud"
    with pytest.raises(CommandError, match="used by the sandbox"):
        bring_up_to_date(also_filled=True, report=print)


EARLIER = r"before the portal's first release.*empty database"
OF_ALL_STATES = ["0001_tables", "0002_audit", "0003_groups", "0004_guards"]


@pytest.fixture(
    params=[["0001_tables"], OF_ALL_STATES, [*OF_ALL_STATES, "0005_snapshots", "0022_language"]]
)
def earlier_state(request, db):
    """The database as a state before the first release would note it."""
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="snapshots").delete()
    for name in request.param:
        recorder.record_applied("snapshots", name)


@pytest.mark.parametrize("migrate", [True, False])
def test_database_from_before_the_first_release_is_refused(earlier_state, migrate):
    with pytest.raises(CommandError, match=EARLIER):
        bring_up_to_date(also_filled=True, report=print, migrate=migrate, may_be_newer=True)


@pytest.mark.parametrize(
    "command", [["migrate"], ["migrate", "--fake"], ["check", "--database", "default"]]
)
def test_command_leaves_earlier_state_alone(earlier_state, command):
    before = set(MigrationRecorder(connection).applied_migrations())
    with pytest.raises(CommandError, match=EARLIER):
        call_command(*command)
    assert set(MigrationRecorder(connection).applied_migrations()) == before


def test_checks_do_not_say_to_migrate_earlier_state(earlier_state, monkeypatch):
    monkeypatch.setattr(version_triggers, "missing", lambda: ["count_snapshots_volume_insert"])
    assert check_folding() == []
    MigrationRecorder(connection).record_unapplied("snapshots", "0001_tables")
    assert [warning.id for warning in check_folding()] == ["evsportal.W021"]


def test_doctor_names_earlier_state(earlier_state):
    (finding,) = machine.look_at_database()
    assert finding.level is Level.WRONG
    assert "before the portal's first release" in finding.text


def test_no_migration_has_a_name_of_earlier_states():
    names = {path.stem for path in ROOT.glob("snapshots/migrations/0*.py")}
    assert names
    assert names.isdisjoint(OF_ALL_STATES)


def test_database_of_newer_code_is_refused(db):
    MigrationRecorder(connection).record_applied("snapshots", "0999_later")
    with pytest.raises(CommandError, match=r"newer code than this: it has snapshots\.0999_later"):
        bring_up_to_date(also_filled=True, report=print)
    bring_up_to_date(also_filled=True, report=print, may_be_newer=True)


def test_migrations_of_removed_apps_are_no_newer_code(db):
    MigrationRecorder(connection).record_applied("admin", "0001_initial")
    bring_up_to_date(also_filled=True, report=print)


# A command that gets this signal while the copy of a database lies in the folder.
SIGNALLED = """
import os, signal, sys
from pathlib import Path
from django.core.management.commands import diffsettings
from evsportal.manage import main
from snapshots.management.backup.sqlite import scratch_file
number, folder = int(sys.argv.pop()), Path(sys.argv.pop())
def handle(*_args, **_options):
    with scratch_file(folder):
        os.kill(os.getpid(), number)
diffsettings.Command.handle = handle
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, wherever tests run
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signalled_command_leaves_nothing_half_done(number, tmp_path):
    arguments = ("diffsettings", str(tmp_path), str(int(number)))
    done = manage(tmp_path, *arguments, program=["-c", SIGNALLED])
    assert done.returncode == -number
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob(".evsportal-*"))
