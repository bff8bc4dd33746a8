"""Old records go into a file that proves them, and only then out of the database."""

import json
import random
import subprocess
import sys
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from archive_scene import ARCHIVABLE, OLD, YESTERDAY, archive, sealed, state
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from trail_scene import action, answer, exchange, fill

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import output_at
from snapshots.audit.archive.plan import plan
from snapshots.audit.delivery.anchors import line
from snapshots.audit.delivery.push import push_new_rows
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import latest_seal, seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.audit.search.query import find, parse
from snapshots.checks import check_archives
from snapshots.models import (
    Action,
    Answer,
    Entry,
    Exchange,
    Operation,
    OperationState,
    Seal,
    Tombstone,
)

pytestmark = pytest.mark.django_db
TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


def tool(path, key, *extra):
    public = path.parent / "public.pem"
    public.write_text(keys.public_pem(key))
    done = subprocess.run(
        [sys.executable, "-I", TOOL, path, "--key", public, *extra],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def hits_of(text):
    return find(Entry.objects.all(), parse(text)).count()


# --- what it does ----------------------------------------------------------------------------


def test_without_yes_archive_only_previews(trail, folder, capsys):
    before = state()
    archive(folder, yes=False)
    facts = capsys.readouterr().out
    assert "Seals 1 to 4, " in facts
    assert f"would be written to {folder / 'audit-00000001-00000004.zip'}, proved" in facts
    assert "Nothing was done: --yes does it." in facts
    assert (state(), list(folder.iterdir())) == (before, [])


def test_old_records_move_into_the_file(trail, folder, capsys):
    before = state()
    old = Seal.objects.get(number=4).tables
    archive(folder)
    after = state()
    for table in ARCHIVABLE:
        stay = {seq for seq in before[table] if seq > old[table][1]}
        assert after[table] >= stay
        assert not [seq for seq in after[table] if seq <= old[table][1]]
    assert after["seal"] >= before["seal"]
    path = folder / "audit-00000001-00000004.zip"
    assert tool(path, trail)[0] == 0
    rows = sum(len([seq for seq in before[table] if seq <= old[table][1]]) for table in ARCHIVABLE)
    assert f"{rows} rows are removed; tombstone " in capsys.readouterr().out
    facts = zipfile.ZipFile(path).read("rows.jsonl").splitlines()
    assert len(facts) == rows
    stone = Tombstone.objects.get()
    assert (stone.first_seal, stone.last_seal, stone.file) == (1, 4, path.name)


def test_remaining_trail_and_its_export_are_sound(trail, folder, tmp_path):
    archive(folder)
    report = verify(key=trail)
    assert report.damage is None
    assert report.archived == sum(span[2] for span in Tombstone.objects.get().tables.values())
    for name, since in (("all.zip", 1), ("later.zip", 5)):
        with output_at(tmp_path / name) as place:
            write_export(place, ExportRequest("audrey", since=since))
        code, message = tool(tmp_path / name, trail)
        assert code == 0, message
    assert f"{report.archived} archived" in tool(tmp_path / "all.zip", trail)[1]


def test_the_search_shows_no_ghosts(trail, folder):
    old = Exchange.objects.order_by("seq").first()
    assert Entry.objects.filter(record=old.id).exists()
    hits_before = hits_of("background:yes limit")
    archive(folder)
    stored = {table: state()[table] for table in ("exchange", "action", "anomaly")}
    for kind, numbers in stored.items():
        assert set(Entry.objects.filter(kind=kind).values_list("row", flat=True)) == numbers
    hits = hits_of("background:yes limit")
    assert 0 < hits == len(stored["exchange"]) - _in_background() < hits_before


def _in_background():
    return Exchange.objects.filter(background=True).count()


def test_archive_is_recorded_with_file_and_digest(trail, folder):
    archive(folder)
    stone = Tombstone.objects.get()
    taken, facts = Action.objects.filter(code__startswith="audit:").order_by("seq")
    assert (taken.code, taken.details["to"]) == ("audit:export", stone.file)
    assert (facts.code, facts.subject) == ("audit:archive", stone.file)
    assert facts.details["SHA-256"] == stone.sha256
    assert facts.details["rows"] == str(sum(span[2] for span in stone.tables.values()))


def test_next_archive_begins_after_the_last(trail, folder):
    archive(folder)
    seal_new_rows(at_once=True)
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        archive(folder, before=f"{timezone.now():%Y-%m-%d}")
    first, second = Tombstone.objects.order_by("seq")
    assert second.first_seal == first.last_seal + 1
    assert tool(folder / second.file, trail)[0] == 0
    assert Tombstone.objects.count() == 2  # which no archive takes away
    report = verify(key=trail)
    assert (report.damage, Exchange.objects.count()) == (None, 0)


def test_later_anchors_do_not_damage_an_archive(trail, folder, tmp_path):
    """Made before the archive was; but the end of an export that is no archive was cut off."""
    (tmp_path / "anchors").write_text(line(latest_seal()) + "\n")
    cut = tmp_path / "cut.zip"
    call_command("audit_export", to=str(cut), until_seal=4)
    archive(folder)
    path = folder / "audit-00000001-00000004.zip"
    code, message = tool(path, trail, "--anchor", tmp_path / "anchors")
    assert code == 0, message
    assert "An archive of seals 1 to 4 made at" in message
    assert "Anchors of later seals, left aside: 1." in message
    for damaged in (cut, _called_archive(cut)):
        code, message = tool(damaged, trail, "--anchor", tmp_path / "anchors")
        assert (code, "DAMAGED (cut)" in message) == (1, True)
    keyless = [sys.executable, "-I", TOOL, path, "--anchor", tmp_path / "anchors"]
    done = subprocess.run(keyless, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "DAMAGED (cut)" in done.stdout) == (1, True)


def _called_archive(path):
    """The same by somebody without the key."""
    made = path.with_name("called.zip")
    with zipfile.ZipFile(path) as was, zipfile.ZipFile(made, "w") as now:
        for name in was.namelist():
            data = was.read(name)
            now.writestr(name, data.replace(b'"archive": false', b'"archive": true'))
    return made


def test_a_second_run_finds_nothing_to_do(trail, folder, capsys):
    archive(folder)
    before = state()
    archive(folder)
    assert "Nothing to archive." in capsys.readouterr().out
    assert state() == before


def test_many_rows_go_in_several_steps(key, folder, settings):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 1000
    sealed(lambda: fill(600))
    archive(folder)
    assert (Exchange.objects.count(), Answer.objects.count()) == (0, 0)
    assert verify(key=key).damage is None


# --- for how long ----------------------------------------------------------------------------


def test_the_setting_says_what_is_old_enough(trail, folder, settings, capsys):
    settings.EVSPORTAL_AUDIT_ARCHIVES = str(folder)
    for days, archived in ((31, 0), (29, 1)):
        settings.EVSPORTAL_AUDIT_KEEP_DAYS = days
        call_command("audit_archive", yes=True)
        assert Tombstone.objects.count() == archived


def test_for_ever_is_for_ever(trail, folder, settings):
    with pytest.raises(CommandError, match="kept for ever"):
        call_command("audit_archive", to=str(folder), yes=True)


def test_days_without_a_folder_stop_the_start(settings):
    assert check_archives() == []
    settings.EVSPORTAL_AUDIT_KEEP_DAYS = 365
    assert [item.id for item in check_archives()] == ["evsportal.E010"]


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2999-01-01", "1.2.2026"])
def test_a_day_that_cannot_be_is_refused(day, trail, folder):
    with pytest.raises(CommandError, match="--before"):
        archive(folder, before=day)


def test_where_to_must_be_said(trail):
    with pytest.raises(CommandError, match="Name a folder"):
        call_command("audit_archive", before=YESTERDAY)


# --- what is not taken apart -----------------------------------------------------------------


def archivable():
    batch = plan(before=timezone.now()).batch
    return batch.last if batch else 0


def ask(number):
    item = exchange(random.Random(number), number)
    item.save()
    return item


def reply(to):
    answer(random.Random(to.seq), to, 1).save()


def test_a_request_stays_until_its_answer_goes_too(key, folder):
    asked = []
    sealed(lambda: reply(ask(1)))
    sealed(lambda: asked.append(ask(2)))
    sealed(lambda: reply(asked[0]), ago=timedelta(minutes=30))
    assert archivable() == 1
    assert "whose answer was sealed later" in plan(before=timezone.now()).held_back
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert archivable() == 3


def test_an_answer_stays_until_its_request_goes_too(key, folder):
    """Sealed the other way round, as happens when both come while the sealer looks."""
    sealed(lambda: reply(ask(1)))
    last = Exchange.objects.latest("seq").seq
    ahead = exchange(random.Random(3), 3, seq=last + 50)
    sealed(lambda: reply(ahead))
    sealed(ahead.save, ago=timedelta(minutes=30))
    assert archivable() == 1


def test_what_belongs_to_an_unfinished_operation_stays(key, folder, capsys):
    alice = User.objects.create(username="alice")
    asked = Operation.objects.create(
        key=uuid.uuid4(),
        state=OperationState.UNKNOWN,
        cloud="sandbox",
        volume_id="v",
        requester=alice,
        asked_at=timezone.now(),
        state_at=timezone.now(),
    )
    sealed(lambda: reply(ask(1)))
    sealed(lambda: action(random.Random(2), 2, operation=asked).save())
    sealed(lambda: reply(ask(3)))
    archive(folder)
    assert f"operation {asked.pk} is not finished" in capsys.readouterr().out
    assert Tombstone.objects.get().last_seal == 1
    Operation.objects.update(state=OperationState.NOT_CREATED)
    archive(folder)
    assert [stone.last_seal for stone in Tombstone.objects.order_by("seq")] == [1, 3]
    assert Operation.objects.count() == 1


def test_unpushed_rows_are_not_archived(trail, folder, settings, tmp_path, capsys):
    settings.EVSPORTAL_AUDIT_PUSH = [f"file:{tmp_path}/rows.jsonl"]
    archive(folder)
    assert "it was not pushed to file" in capsys.readouterr().out
    assert Tombstone.objects.count() == 0
    push_new_rows(*settings.EVSPORTAL_AUDIT_PUSH)
    archive(folder)
    assert Tombstone.objects.get().last_seal == 4


def test_rows_that_are_not_sealed_stay(key, folder):
    with time_machine.travel(timezone.now() - OLD):
        fill(10)
    archive(folder)
    assert (Tombstone.objects.count(), Exchange.objects.count()) == (0, 10)


def test_what_came_in_within_the_hour_stays(key, folder):
    sealed(lambda: fill(10), ago=timedelta(minutes=59))
    assert archivable() == 0


def test_unsigned_seals_go_with_the_first_signed_seal(folder, settings, capsys):
    sealed(lambda: fill(10))
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    sealed(lambda: fill(10, seed=2), ago=timedelta(minutes=5))
    archive(folder)
    assert "bear no signature" in capsys.readouterr().out
    assert Tombstone.objects.count() == 0
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        archive(folder, before=f"{timezone.now():%Y-%m-%d}")
    assert Tombstone.objects.get().first_seal == 1
    assert verify(key=keys.public_key()).damage is None


def test_answer_after_the_archive_stays(trail, folder, monkeypatch):
    from snapshots.audit.archive import archive as room

    late = Exchange.objects.filter(answer=None).order_by("seq").first()
    removal = room.remove

    def then(stone):
        reply(late)
        return removal(stone)

    monkeypatch.setattr(room, "remove", then)
    archive(folder)
    assert Answer.objects.filter(exchange_id=late.seq).exists()
    assert verify(key=trail).damage is None


def test_the_file_can_be_read_by_people(trail, folder):
    old = Exchange.objects.order_by("seq").first()
    archive(folder)
    lines = zipfile.ZipFile(folder / Tombstone.objects.get().file).read("rows.jsonl").splitlines()
    first = json.loads(lines[0])
    assert (first["table"], first["id"], first["actor_name"]) == (
        "exchange",
        str(old.id),
        old.actor_name,
    )
