"""Odd damages, and what is none: keys that came late or changed, tombstones, a clock set back."""

import random
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from trail_scene import MOMENT, action, fill

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals import keys
from snapshots.audit.seals.parallel import joined
from snapshots.audit.seals.sealing import is_signed, latest_seal, seal_new_rows
from snapshots.audit.seals.verify import Part, tombstone_message, verify
from snapshots.models import Action, Answer, Entry, Exchange, Seal, Tombstone

ON_POSTGRES = connection.vendor == "postgresql"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_seals(settings):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 25


def new_key(settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    return keys.public_key()


def sealed(count, seed=1):
    fill(count, seed=seed)
    return seal_new_rows(at_once=True)


def run(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def damage_of(key=None, **facts):
    """What is wrong, as one verifier says it and as three say it together."""
    damage = verify(key=key, **facts).damage
    numbers = Seal.objects.values_list("number", flat=True)
    last = max((item for item in numbers if type(item) is int), default=0)
    parts = [Part(index, 3, last) for index in range(3)]
    assert joined([verify(key=key, part=part, **facts) for part in parts]).damage == damage
    return (damage.kind, damage.table, damage.seq) if damage else None


# --- keys ------------------------------------------------------------------------------------


def test_first_signed_seal_covers_unsigned_seals(settings):
    bare = sealed(30)
    assert not is_signed()
    key = new_key(settings)
    assert damage_of(key) == ("signature", "seal", len(bare))  # not one seal that proves anything
    signed = sealed(30, seed=2)
    assert is_signed()
    report = verify(key=key)
    assert (report.damage, report.bare, report.signed) == (None, len(bare), len(signed))


def test_removed_signature_is_damage(key, open_door):
    sealed(30)
    run("UPDATE snapshots_seal SET key_id = '', signature = '' WHERE number = 2")
    assert damage_of(key) == ("signature", "seal", 2)


def test_old_and_new_key_verify_only_together(settings):
    old = new_key(settings)
    before = sealed(30)
    key = new_key(settings)
    sealed(30, seed=2)
    assert damage_of(key) == ("signature", "seal", 1)
    assert damage_of(old) == ("signature", "seal", len(before) + 1)
    assert damage_of(key, old_keys=[old]) is None


def test_the_command_takes_a_file_of_several_keys(settings, tmp_path, capsys):
    old = new_key(settings)
    sealed(10)
    key = new_key(settings)
    sealed(10, seed=2)
    (tmp_path / "keys.pem").write_text(keys.public_pem(key) + keys.public_pem(old))
    call_command("audit_verify", key=str(tmp_path / "keys.pem"))
    assert "Sound: " in capsys.readouterr().out


def test_wrong_key_id_on_a_seal_is_damage(key, open_door):
    sealed(30)
    run("UPDATE snapshots_seal SET key_id = %s WHERE number = 2", "ab" * 32)
    assert damage_of(key) == ("signature", "seal", 2)


# --- tombstones ------------------------------------------------------------------------------


def archive(first, *, signed=True):
    """What an archive leaves behind: a tombstone that is sealed, and no rows."""
    stone = Tombstone(
        at=timezone.now(),
        actor_name="root",
        first_seal=first.number,
        last_seal=first.number,
        tables=first.tables,
        file="old.zip",
        sha256="0" * 64,
    )
    facts = keys.sign(keys.TOMBSTONE, tombstone_message(stone))
    if signed:
        stone.key_id, stone.signature = facts.key_id, facts.signature
    stone.save()
    return stone


def remove(seal):
    for table in ("answer", "exchange", "action", "anomaly"):
        after, upto, _rows = seal.tables[table]
        rows = TRAIL[table].objects.filter(seq__gt=after, seq__lte=upto)
        rows._raw_delete("default")


def test_sealed_signed_tombstone_excuses_archived_rows(key):
    first = sealed(30)[0]
    archive(first)
    seal_new_rows(at_once=True)
    remove(first)
    report = verify(key=key)
    assert (report.damage, report.archived) == (None, 25)


def test_archived_rows_of_a_trail_without_a_key(settings):
    first = sealed(30)[0]
    archive(first)
    seal_new_rows(at_once=True)
    remove(first)
    assert damage_of() is None
    key = new_key(settings)
    sealed(5, seed=2)
    assert damage_of(key) is None  # the seal over that tombstone is from before the key, too


def test_a_tombstone_that_no_seal_knows_excuses_nothing(open_door):
    first = sealed(30)[0]
    seq = Exchange.objects.order_by("seq").first().seq
    archive(first)
    remove(first)
    assert damage_of() == ("missing", "exchange", seq)


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_tombstone_without_the_signature_is_forged(key, open_door, is_sealed):
    first = sealed(30)[0]
    stone = archive(first, signed=False)
    if is_sealed:
        seal_new_rows(at_once=True)
    remove(first)
    assert damage_of(key) == ("tombstone", "tombstone", stone.seq)


def test_restored_archived_row_must_match_its_seal(key):
    first = sealed(30)[0]
    item = Exchange.objects.order_by("seq").values().first()
    archive(first)
    seal_new_rows(at_once=True)
    remove(first)
    Entry.objects.all().delete()
    Exchange(**item).save()
    assert damage_of(key) is None
    remove(first)
    Entry.objects.all().delete()
    Exchange(**item | {"ticket": "CHG9"}).save()
    assert damage_of(key) == ("changed", "exchange", item["seq"])


# --- cells that cannot be read ---------------------------------------------------------------


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL keeps to its types")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'yesterday'"),
        ("at", "'2026-02-31 00:00:00'"),
        ("at", "NULL"),
        ("cause", "'not an id'"),
        ("details", "'{'"),
        ("details", "x'ff'"),
        ("details", "CAST(details AS blob)"),
        ("subject", "x'00ff'"),
        ("subject", "CAST(x'ff' AS text)"),
    ],
)
def test_unreadable_cell_names_its_row(key, open_door, column, value):
    sealed(60)
    seq = Action.objects.order_by("seq")[7].seq
    run("PRAGMA writable_schema = ON")
    run("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name LIKE '%action'")
    run("PRAGMA writable_schema = RESET")
    run("PRAGMA ignore_check_constraints = ON")
    run(f"UPDATE snapshots_action SET {column} = {value} WHERE seq = %s", seq)
    assert damage_of(key) == ("changed", "action", seq)


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL keeps to its types")
@pytest.mark.parametrize(
    "change",
    [
        "at = 'yesterday'",
        "tables = '{'",
        "tables = '{\"exchange\": 1}'",
        "leaves = 'text'",
        "leaves = x'00'",
        "digest = x'ff'",
        "root = CAST(x'ff' AS text)",
        "format = 'one'",
    ],
)
def test_a_seal_that_cannot_be_read_is_named(key, open_door, change):
    sealed(60)
    run("PRAGMA ignore_check_constraints = ON")
    run(f"UPDATE snapshots_seal SET {change} WHERE number = 3")
    assert damage_of(key) == ("seal", "seal", 3)


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL keeps to its types")
@pytest.mark.parametrize("number", ["1.5", "'abc'", "x'01'"])
def test_a_seal_of_no_number_is_named(key, open_door, number):
    sealed(60)
    names = "at, format, tables, leaves, root, previous, key_id, signature"
    run(
        f"INSERT INTO snapshots_seal (number, digest, {names}) "
        f"SELECT {number}, 'x', {names} FROM snapshots_seal WHERE number = 1"
    )
    assert damage_of(key) == ("seal", "seal", 0)


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL keeps to its types")
def test_first_bad_row_is_named_before_unreadable_rows(key, open_door):
    sealed(60)
    first, second = (item.seq for item in Action.objects.order_by("seq")[7:9])
    run("UPDATE snapshots_action SET subject = 'somebody' WHERE seq = %s", first)
    run("UPDATE snapshots_action SET subject = CAST(x'ff' AS text) WHERE seq = %s", second)
    assert damage_of(key) == ("changed", "action", first)


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL keeps to its types")
def test_a_tombstone_that_cannot_be_read_is_named(key, open_door):
    stone = archive(sealed(30)[0])
    seal_new_rows(at_once=True)
    run("PRAGMA ignore_check_constraints = ON")
    run("UPDATE snapshots_tombstone SET tables = '['")
    assert damage_of(key) == ("tombstone", "tombstone", stone.seq)


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite keeps JSON as text")
def test_json_written_otherwise_is_no_damage(key, open_door):
    sealed(30)
    run("UPDATE snapshots_exchange SET headers = replace(headers, '\"A\": ', ' \"A\" :  ')")
    assert damage_of(key) is None


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL has types for ids and times")
@pytest.mark.parametrize(
    "change",
    [
        "id = upper(id)",
        "id = substr(id, 1, 8) || '-' || substr(id, 9)",
        "cause = upper(cause)",
        "at = replace(at, ' ', 'T')",
        "at = at || '+00:00'",
        "at = at || '.000000'",
        "at = substr(at, 1, 16)",
        "at = CAST(at AS BLOB)",
        "id = CAST(id AS BLOB)",
    ],
)
def test_respelt_id_or_time_counts_as_changed(key, open_door, change):
    """It means the same, and is not found any more."""
    sealed(60)
    seq = Action.objects.order_by("seq")[7].seq
    run(f"UPDATE snapshots_action SET {change} WHERE seq = %s", seq)
    assert damage_of(key) == ("changed", "action", seq)


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL has a type for truth")
@pytest.mark.parametrize("value", ["2", "'no'", "0.5"])
def test_a_truth_that_is_neither_was_changed(key, open_door, value):
    """Django takes each for false."""
    sealed(60)
    seq = Exchange.objects.filter(background=False).order_by("seq")[3].seq
    run(f"UPDATE snapshots_exchange SET background = {value} WHERE seq = %s", seq)
    assert damage_of(key) == ("changed", "exchange", seq)


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite keeps times as text")
@pytest.mark.parametrize("at", ["infinity", "-infinity", "12026-01-01", "2026-01-01 BC"])
def test_a_time_that_no_clock_tells_was_changed(key, open_door, at):
    sealed(60)
    seq = Action.objects.order_by("seq")[7].seq
    run("UPDATE snapshots_action SET at = %s::timestamptz WHERE seq = %s", at, seq)
    assert damage_of(key) == ("changed", "action", seq)


@pytest.mark.parametrize("details", ["[" * 990 + "]" * 990, "9" * 5000, "1e400"])
def test_json_that_python_does_not_read_was_changed(key, open_door, details):
    sealed(60)
    seq = Action.objects.order_by("seq")[7].seq
    run("UPDATE snapshots_action SET details = %s WHERE seq = %s", details, seq)
    assert damage_of(key) == ("changed", "action", seq)


# --- the rest --------------------------------------------------------------------------------


def test_rows_with_future_times_do_not_wait(settings):
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = 300
    action(random.Random(1), 0, at=MOMENT + timedelta(days=365)).save()
    assert len(seal_new_rows(now=MOMENT)) == 1


def test_a_trail_without_rows_or_seals_is_sound(key):
    report = verify(key=key)
    assert (report.damage, report.rows, report.seals) == (None, 0, 0)


def test_since_skips_rows_of_earlier_seals(key, open_door):
    sealed(30)
    run(
        "UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = (SELECT min(seq) "
        "FROM snapshots_exchange)"
    )
    assert damage_of(key) is not None
    assert damage_of(key, since=2) is None


def test_an_anchor_of_another_trail_names_its_seal(key):
    sealed(30)
    assert damage_of(key, anchors=[{"number": 1, "digest": "0" * 64}]) == ("seal", "seal", 1)


@pytest.mark.django_db(transaction=True)
def test_nobody_who_writes_waits_for_a_verification(monkeypatch, key):
    """A row and a seal that come meanwhile are neither damage nor in the way."""
    from threading import Thread

    from snapshots.audit.seals import verify as room

    sealed(30)

    def write():
        action(random.Random(5), 5).save()
        seal_new_rows(at_once=True)
        connection.close()

    def check_while_somebody_writes(walk, number, *, rows_too):
        if number == 2:
            writer = Thread(target=write)
            writer.start()
            writer.join(20)
            assert not writer.is_alive()
        return check(walk, number, rows_too=rows_too)

    check = room._check
    before = latest_seal().number
    monkeypatch.setattr(room, "_check", check_while_somebody_writes)
    report = verify(key=key)
    assert (report.damage, report.seals, report.unsealed) == (None, before, 0)
    assert Seal.objects.count() == before + 1
    assert Answer.objects.count() > 0
