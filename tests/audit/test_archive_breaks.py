"""An archive that is killed anywhere loses nothing, and the next run ends it."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from archive_scene import ARCHIVABLE, YESTERDAY, archive, sealed
from django.core.management import CommandError, call_command
from django.utils import timezone
from portal_process import python
from trail_scene import fill

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.database.locks import ARCHIVE, process_lock
from snapshots.models import Action, Entry, EntryKind, Tombstone

pytestmark = pytest.mark.django_db(transaction=True)
TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"
FILE = "audit-00000001-00000004.zip"

# Runs the command, and dies by -9 when the function named has returned for the nth time.
DIES = """
import importlib, os, signal, sys
import django
django.setup()
from django.core.management import call_command
from snapshots.audit.archive import removal
removal.AT_ONCE = 10
module, _, path = sys.argv[1].partition(":")
owner, _, name = path.rpartition(".")
room = importlib.import_module(module)
room = getattr(room, owner) if owner else room
calls, whole = [], getattr(room, name)
def dies(*args, **told):
    done = whole(*args, **told)
    calls.append(1)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(room, name, dies)
call_command("audit_archive", to=sys.argv[3], before=sys.argv[4], yes=True)
"""
SERVICE, REMOVAL = "snapshots.audit.archive.archive", "snapshots.audit.archive.removal"
MOMENTS = {
    "written without its name": (f"{SERVICE}:write_export", 1),
    "written": (f"{SERVICE}:_write", 1),
    "proved": (f"{SERVICE}:prove", 1),
    "tombstone on its way": ("snapshots.models:Tombstone.save", 1),
    "tombstone there": (f"{SERVICE}:_write_tombstone", 1),
    "sealed": (f"{SERVICE}:_seal", 1),
    "answers gone and their requests not": (f"{REMOVAL}:_remove_answers", 1),
    "amid a step": (f"{REMOVAL}:_remove", 3),
    "between two steps": (f"{REMOVAL}:time.sleep", 3),
    "all gone": (f"{SERVICE}:remove", 1),
}


@pytest.fixture
def old(key, folder):
    """The numbers of what is old enough; something newer is there as well."""
    sealed(fill)
    numbers = rows()
    fill(20, seed=2)
    return numbers


def rows():
    return {
        (table, seq)
        for table in ARCHIVABLE
        for seq in TRAIL[table].objects.values_list("seq", flat=True)
    }


def killed(moment, folder):
    function, number = MOMENTS[moment]
    done = python(DIES, function, number, folder, YESTERDAY)
    assert done.returncode == -signal.SIGKILL, done.stderr


def is_proved(path):
    public = path.parent.parent / "public.pem"
    public.write_text(keys.public_pem(keys.public_key()))
    argv = [sys.executable, "-I", TOOL, path, "--key", public]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0


def damage():
    return verify(key=keys.public_key()).damage


@pytest.mark.parametrize("moment", MOMENTS)
def test_next_run_finishes_a_killed_archive(moment, old, folder):
    newer = rows() - old
    killed(moment, folder)
    assert damage() is None
    assert old <= rows() or is_proved(folder / FILE)
    archive(folder)
    assert not old & rows()
    assert newer <= rows()
    assert [item.name for item in folder.iterdir()] == [FILE]
    assert is_proved(folder / FILE)
    assert [(item.first_seal, item.last_seal) for item in Tombstone.objects.all()] == [(1, 4)]
    assert Action.objects.filter(code="audit:archive").count() == 1
    assert damage() is None
    entries = Entry.objects.values_list("kind", "row")
    assert set(entries) == {item for item in rows() if item[0] in EntryKind.values}


def test_next_run_uses_the_killed_runs_file(old, folder):
    killed("written", folder)
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        seal_new_rows(at_once=True)
    made = (folder / FILE).stat().st_mtime_ns
    archive(folder, before=f"{timezone.now():%Y-%m-%d}")
    first, second = Tombstone.objects.order_by("seq")
    assert (first.file, (folder / FILE).stat().st_mtime_ns) == (FILE, made)
    assert second.first_seal == 5
    assert {item.name for item in folder.iterdir()} == {first.file, second.file}
    assert damage() is None


@pytest.mark.parametrize("moment", ["tombstone there", "between two steps"])
def test_nothing_more_is_removed_without_the_file(moment, old, folder):
    killed(moment, folder)
    left = rows()
    path = folder / FILE
    path.rename(folder / "elsewhere.zip")
    with pytest.raises(CommandError, match="No such file"):
        archive(folder)
    path.write_bytes((folder / "elsewhere.zip").read_bytes()[:-100])
    with pytest.raises(CommandError, match="does not prove"):
        archive(folder)
    assert left <= rows()
    path.unlink()
    (folder / "elsewhere.zip").rename(path)
    archive(folder)
    assert not old & rows()


def test_other_file_than_the_tombstones_is_refused(old, folder):
    killed("tombstone there", folder)
    (folder / FILE).unlink()
    call_command("audit_export", to=str(folder / FILE), until_seal=4)
    left = rows()
    with pytest.raises(CommandError, match="is not the file that tombstone"):
        archive(folder)
    assert left <= rows()


def test_without_yes_broken_removal_is_reported(old, folder, capsys):
    killed("between two steps", folder)
    left = rows()
    call_command("audit_archive", to=str(folder), before=YESTERDAY)
    assert f"The removal of what is in {FILE} broke off" in capsys.readouterr().out
    assert rows() == left


def test_two_at_once_are_not_let_in(old, folder):
    with process_lock(ARCHIVE):
        done = python(DIES, *MOMENTS["all gone"], folder, YESTERDAY)
        assert "Another archive is being made" in done.stderr
    assert (list(folder.iterdir()), old <= rows()) == ([], True)
    archive(folder)
    assert not old & rows()
