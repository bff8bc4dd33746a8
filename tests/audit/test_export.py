"""What is taken out can be proved elsewhere, with one file and a public key."""

import csv
import io
import json
import random
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from trail_scene import action, fill

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import Zip, output_at, zip_while_sent
from snapshots.audit.database.settled import TRAIL
from snapshots.audit.delivery.anchors import line
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import latest_seal, seal_new_rows
from snapshots.audit.seals.verify import tombstone_message
from snapshots.models import Action, Answer, Entry, Tombstone

pytestmark = pytest.mark.django_db
TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


@pytest.fixture
def trail(settings, tmp_path):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 40
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    fill(60)
    seal_new_rows(at_once=True)
    (tmp_path / "public.pem").write_text(keys.public_pem(keys.public_key()))
    (tmp_path / "anchor").write_text("seal " + line(latest_seal()) + "\n")
    return tmp_path


def exported(trail, name="out", **facts):
    with output_at(trail / name) as place:
        write_export(place, ExportRequest(made_by="audrey", **facts))
    return trail / name


def verdict(trail, export, *extra, key="public.pem"):
    """What the tool says, run as its users run it, without anything of the portal."""
    done = subprocess.run(
        [sys.executable, "-I", TOOL, export, "--key", trail / key, *extra],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin"},
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def rows():
    return sum(model.objects.count() for model in TRAIL.values())


def test_folder_and_zip_exports_are_sound(trail):
    for name in ("out", "out.zip"):
        code, message = verdict(trail, exported(trail, name), "--anchor", trail / "anchor")
        assert code == 0, message
        assert f"Sound: {rows()} rows" in message
        assert "NOT PROVEN" not in message


def test_unsealed_rows_are_counted_apart(trail):
    action(random.Random(99), 1).save()
    code, message = verdict(trail, exported(trail))
    assert (code, "1 not sealed yet" in message) == (0, True)


def test_a_search_result_is_proved_row_by_row(trail):
    result = Entry.objects.filter(actor_name="alice")
    export = exported(trail, entries=result)
    code, message = verdict(trail, export)
    assert code == 0, message
    assert "A part only" in message
    facts = [json.loads(item) for item in (export / "rows.jsonl").read_bytes().splitlines()]
    asked = [row for row in facts if row["table"] == "exchange"]
    assert len(asked) == result.filter(kind="exchange").count()
    assert {row["actor_name"] for row in asked} == {"alice"}
    answered = {row["exchange_id"] for row in facts if row["table"] == "answer"}
    assert answered <= {row["seq"] for row in asked}
    assert answered


def test_seals_from_the_middle_on_are_enough(trail):
    code, message = verdict(trail, exported(trail, since=2))
    assert code == 0, message
    code, message = verdict(trail, exported(trail, "first", until=1))
    assert code == 0, message


def test_another_key_or_no_key_is_told(trail, settings):
    export = exported(trail)
    (trail / "other.pem").write_text(
        keys.public_pem(keys.read_private(keys.new_key().decode()).public_key())
    )
    assert verdict(trail, export, key="other.pem")[0] == 1
    settings.EVSPORTAL_AUDIT_KEY = ""
    done = subprocess.run([TOOL, export], capture_output=True, text=True, check=False, timeout=60)
    assert "NOT PROVEN without --key" in done.stdout


def test_later_anchors_are_not_missing_seals(trail):
    export = exported(trail)
    action(random.Random(99), 1).save()
    [later] = seal_new_rows(at_once=True)
    with (trail / "anchor").open("a") as anchors:
        anchors.write(line(later) + "\n")
    assert verdict(trail, export, "--anchor", trail / "anchor")[0] == 0
    newest = exported(trail, "newest")
    assert verdict(trail, newest, "--anchor", trail / "anchor")[0] == 0
    cut = exported(trail, "cut", until=later.number - 1)
    code, message = verdict(trail, cut, "--anchor", trail / "anchor")
    assert (code, "The end was cut off" in message) == (1, True)


def test_verdict_gives_kind_and_time_of_export(trail):
    """A real export that is old is seen to be so."""
    export = exported(trail)
    made_at = json.loads((export / "manifest.json").read_bytes())["made_at"]
    action(random.Random(99), 1).save()
    [later] = seal_new_rows(at_once=True)
    with (trail / "anchor").open("a") as anchors:
        anchors.write(line(later) + "\n")
    message = verdict(trail, export, "--anchor", trail / "anchor")[1]
    last = later.number - 1
    assert f"An export of seals 1 to {last} made at '{made_at}'." in message
    assert "Anchors of later seals, left aside: 1." in message
    assert "does not begin" not in message
    message = verdict(trail, exported(trail, "part", since=2, until=last))[1]
    assert f"An export of seals 2 to {last} made at" in message
    assert "It does not begin with seal 1" in message
    assert "left aside" not in message


# --- what was put into it, or taken out ------------------------------------------------------


@pytest.mark.parametrize("name", ["exchange.csv", "EXCHANGE.CSV", "./action.csv", "x/rows.jsonl"])
def test_file_missing_from_the_manifest_is_refused(trail, name):
    export, folder = exported(trail, "out.zip"), exported(trail)
    with zipfile.ZipFile(export, "a") as archive:
        archive.writestr(name, "seq,actor_name\n1,mallory\n")
    code, message = verdict(trail, export)
    assert (code, message) == (
        1,
        f"DAMAGED (inserted). '{name}' was added: the manifest does not name it.\n",
    )
    added = folder / name
    added.parent.mkdir(exist_ok=True)
    added.write_text("forged")
    code, message = verdict(trail, folder)
    assert (code, "DAMAGED (inserted)" in message) == (1, True)


# --- what computers leave, and folders around ------------------------------------------------

LEFT = [".DS_Store", "._rows.jsonl", "Thumbs.db", "desktop.ini", "Desktop.ini", "__MACOSX/._x"]
FOREIGN = ["DS_Store", "thumbs.db.exe", "x._rows.jsonl", "desktop.ini.csv", "MACOSX/x", "._d/x"]


def packed(trail, export, name="again.zip", within="", more=(), separator="/"):
    """The export's files in a fresh ZIP, as a file manager packs them."""
    with zipfile.ZipFile(trail / name, "w", zipfile.ZIP_DEFLATED) as archive:
        if within:
            archive.writestr(within, "")
        for path in sorted(export.iterdir()):
            archive.write(path, (within + path.name).replace("/", separator))
        for other in more:
            archive.writestr(other, b"\0\5\x16\7 whatever")
    return trail / name


def put(folder, name):
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(b"whatever")


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("within", ["", "audit 2026/"])
def test_what_computers_leave_is_named_and_no_damage(trail, name, within):
    folder = exported(trail, "out", csv=True)
    for export in (
        packed(trail, folder, "1.zip", within, [within + name]),
        packed(trail, folder, "2.zip", within, [name, f"__MACOSX/{within}._manifest.json"]),
    ):
        code, message = verdict(trail, export)
        assert (code, message[:6]) == (0, "Sound:")
        assert "Not a part of it, made by the computer that packed or copied it: " in message
        assert name in message
    put(folder, name)
    code, message = verdict(trail, folder)
    assert (code, name.split("/")[0] in message) == (0, True)


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_zip_repacked_with_its_folder_is_sound(trail, separator):
    export = packed(trail, exported(trail), within="audit-1/", separator=separator)
    code, message = verdict(trail, export)
    assert (code, "It lies in a folder of its own here: 'audit-1/'." in message) == (0, True)


def test_a_folder_within_the_folder_is_sound(trail):
    (trail / "outer").mkdir()
    exported(trail).rename(trail / "outer" / "inner")
    put(trail / "outer", ".DS_Store")
    put(trail / "outer", "__MACOSX/inner/._rows.jsonl")
    code, message = verdict(trail, trail / "outer")
    assert (code, "'inner/'" in message, ".DS_Store" in message) == (0, True, True)


@pytest.mark.parametrize("within", ["", "audit/"])
@pytest.mark.parametrize("name", [*FOREIGN, "rows.jsonl ", "ROWS.JSONL", "sub/rows.jsonl"])
def test_a_foreign_file_is_named_whatever_lies_around(trail, name, within):
    folder = exported(trail)
    code, message = verdict(
        trail, packed(trail, folder, "in.zip", within, [within + name, LEFT[0]])
    )
    assert (code, message[:18], name in message) == (1, "DAMAGED (inserted)", True)
    if within:
        beside = verdict(trail, packed(trail, folder, "beside.zip", within, [name]))
        assert beside == (1, f"DAMAGED (inserted). '{name}' was added beside 'audit/'.\n")
    put(folder, name)
    code, message = verdict(trail, folder)
    assert (code, message[:18]) == (1, "DAMAGED (inserted)")


def test_two_exports_in_one_are_refused(trail):
    outer = trail / "outer"
    outer.mkdir()
    for name in ("one", "two"):
        exported(trail, name).rename(outer / name)
    code, message = verdict(trail, outer)
    assert (code, message) == (1, "DAMAGED (inserted). 'one/', 'two/': two exports in one.\n")


def test_two_folders_deep_is_no_export(trail):
    export = packed(trail, exported(trail), within="a/b/")
    assert verdict(trail, export)[0] == 2


@pytest.mark.parametrize("twice", ["audit/rows.jsonl", "audit\\rows.jsonl"])
def test_doubled_file_within_a_folder_is_refused(trail, twice):
    folder = exported(trail)
    export = packed(trail, folder, within="audit/")
    with zipfile.ZipFile(export, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the doubled name
        archive.writestr(twice, "forged")
    code, message = verdict(trail, export)
    assert (code, "Two files of one name" in message) == (1, True)


def test_change_within_a_folder_is_named(trail):
    folder = exported(trail)
    rows_file = folder / "rows.jsonl"
    rows_file.write_bytes(rows_file.read_bytes().replace(b'"alice"', b'"mallory"', 1))
    code, message = verdict(trail, packed(trail, folder, within="audit/", more=LEFT))
    assert (code, message[:17]) == (1, "DAMAGED (changed)")


@pytest.mark.parametrize("name", ["rows.jsonl", "seals.jsonl", "README.txt", "action.csv"])
def test_a_file_that_was_taken_out_is_missing(trail, name):
    export = exported(trail, csv=True)
    (export / name).unlink()
    assert verdict(trail, export) == (1, f"DAMAGED (missing). '{name}' is missing.\n")


@pytest.mark.parametrize(
    "around", [(b"\xef\xbb\xbf", b""), (b" ", b""), (b"", b"\n"), (b"", b"{}")]
)
def test_a_manifest_has_one_spelling(trail, around):
    export = exported(trail)
    path = export / "manifest.json"
    path.write_bytes(path.read_bytes().join(around))
    code, message = verdict(trail, export)
    assert (code, "DAMAGED (manifest)" in message) == (1, True)


@pytest.mark.parametrize("around", [(b"more", b""), (b"", b"more")])
def test_bytes_before_or_after_a_zip_are_refused(trail, around):
    export = exported(trail, "out.zip")
    export.write_bytes(export.read_bytes().join(around))
    code, message = verdict(trail, export)
    assert (code, "bytes around the ZIP" in message) == (1, True)


def bury(last, **facts):
    """A tombstone that takes the first three answers away."""
    after = Answer.objects.order_by("seq")[0].seq - 1
    tables = {"answer": [after, after + 3, 3]}
    stone = Tombstone(
        at=timezone.now(), first_seal=1, last_seal=last, tables=tables, file="f", sha256="0" * 64
    )
    for name, value in facts.items():
        setattr(stone, name, value)
    return stone


@pytest.mark.parametrize("signature", ["", "ab" * 64])
def test_forged_tombstone_excuses_nothing_in_a_part(trail, signature):
    last = latest_seal().number
    key_id = keys.key_id_of(keys.public_key()) if signature else ""
    stone = bury(last, signature=signature, key_id=key_id)
    stone.save()
    seal_new_rows(at_once=True)
    Answer.objects.filter(seq__lte=stone.tables["answer"][1])._raw_delete("default")
    for name, until in (("part", last), ("all", None)):
        code, message = verdict(trail, exported(trail, name, until=until))
        assert (code, "DAMAGED (tombstone). Tombstone" in message) == (1, True)


def test_signed_tombstone_outside_a_part_excuses_rows(trail):
    last = latest_seal().number
    stone = bury(last)
    signed = keys.sign(keys.TOMBSTONE, tombstone_message(stone))
    stone.key_id, stone.signature = signed.key_id, signed.signature
    stone.save()
    seal_new_rows(at_once=True)
    Answer.objects.filter(seq__lte=stone.tables["answer"][1])._raw_delete("default")
    code, message = verdict(trail, exported(trail, until=last))
    assert (code, "3 archived" in message) == (0, True)


def test_what_is_no_export_cannot_be_read(trail, tmp_path):
    for name, content in (("no.zip", b"PK"), ("text.zip", b"\xff" * 99)):
        (tmp_path / name).write_bytes(content)
        assert verdict(trail, tmp_path / name)[0] == 2
    assert verdict(trail, tmp_path / "nowhere")[0] == 2
    (tmp_path / "empty").mkdir()
    assert verdict(trail, tmp_path / "empty")[0] == 2


def test_a_formula_is_text_in_csv(trail):
    export = exported(trail, csv=True)
    text = (export / "action.csv").read_bytes().decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    subjects = set(Action.objects.values_list("subject", flat=True))
    assert "=cmd|' /C calc'!A0" in subjects
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert verdict(trail, export)[0] == 0


def test_broken_zip_has_no_manifest():
    def break_off(archive: Zip):
        archive.begin("rows.jsonl")
        archive.write(b"x" * 1_000_000)
        raise OSError("the disk is gone")

    got = b""
    with pytest.raises(OSError, match="gone"):
        for chunk in zip_while_sent(break_off):
            got += chunk
    assert not zipfile.is_zipfile(io.BytesIO(got))


def test_export_is_recorded_and_never_overwrites(trail, capsys):
    call_command("audit_export", to=str(trail / "all.zip"))
    assert "rows and" in capsys.readouterr().out
    assert Action.objects.latest("seq").code == "audit:export"
    assert verdict(trail, trail / "all.zip")[0] == 0
    with pytest.raises(CommandError, match="exists"):
        call_command("audit_export", to=str(trail / "all.zip"))
