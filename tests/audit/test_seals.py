"""Seals cover every row once, in a chain; what is changed, lost or added shows."""

import json
import random
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from trail_scene import MOMENT, action, fill

from snapshots.audit.database import guards
from snapshots.audit.database.settled import TRAIL, WritersBusyError, settled_upto
from snapshots.audit.delivery.duties import seal as seal_duty
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import latest_seal, seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.models import Action, Duty, Exchange, Seal

ON_POSTGRES = connection.vendor == "postgresql"


@pytest.fixture
def key(settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    return keys.public_key()


@pytest.fixture
def small_seals(settings):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 25


def rows_in_trail():
    return sum(model.objects.count() for model in TRAIL.values())


def unsealed_rows():
    seals = Seal.objects.values_list("tables", flat=True)
    return rows_in_trail() - sum(span[2] for tables in seals for span in tables.values())


@pytest.mark.django_db
def test_every_row_is_sealed_once(key, small_seals):
    fill(60)
    made = seal_new_rows(at_once=True)
    assert [item.number for item in made] == list(range(1, len(made) + 1))
    assert sum(span[2] for item in made for span in item.tables.values()) == rows_in_trail()
    assert all(sum(span[2] for span in item.tables.values()) == 25 for item in made[:-1])
    assert unsealed_rows() == 0
    report = verify(key=key)
    assert (report.damage, report.rows, report.signed) == (None, rows_in_trail(), len(made))
    assert seal_new_rows(at_once=True) == []


@pytest.mark.django_db
def test_few_rows_wait_for_their_age(settings):
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = 300
    fill(10)
    assert seal_new_rows(now=MOMENT + timedelta(seconds=299)) == []
    assert unsealed_rows() == rows_in_trail()
    assert len(seal_new_rows(now=MOMENT + timedelta(seconds=300))) == 1


@pytest.mark.django_db
def test_a_full_batch_does_not_wait(settings, small_seals):
    fill(60)
    now = MOMENT
    made = seal_new_rows(now=now)
    assert len(made) == rows_in_trail() // 25
    assert 0 < unsealed_rows() < 25


@pytest.mark.django_db
def test_seals_without_a_key_are_chained_unsigned():
    fill(5)
    (made,) = seal_new_rows(at_once=True)
    assert (made.key_id, made.signature) == ("", "")
    assert verify().damage is None


@pytest.mark.django_db
def test_number_lost_by_rollback_is_no_gap(key):
    fill(5)
    with transaction.atomic():
        fill(1, seed=2)
        transaction.set_rollback(True)
    fill(5, seed=3)
    seal_new_rows(at_once=True)
    assert verify(key=key).damage is None


@pytest.mark.django_db
def test_the_duty_seals_and_plans_its_next_look(settings):
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = 1
    fill(3)
    duty = Duty.objects.create(name="seal:", kind="seal", due_at=timezone.now())
    seal_duty(duty)
    duty.refresh_from_db()
    assert (Seal.objects.count(), duty.trouble_code) == (1, "")
    assert duty.due_at > timezone.now()


@pytest.mark.django_db
def test_broken_key_is_reported_and_rows_wait(settings):
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = 1
    settings.EVSPORTAL_AUDIT_KEY = "no key at all"
    fill(3)
    duty = Duty.objects.create(name="seal:", kind="seal", due_at=timezone.now())
    seal_duty(duty)
    duty.refresh_from_db()
    assert duty.trouble_code == "ImproperlyConfigured"
    assert latest_seal() is None


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_late_commit_is_never_skipped(settings):
    """It has the lower number, and is still on its way when the higher one is there."""
    drawn, go_on = Event(), Event()

    def slowly():
        with transaction.atomic():
            _one_action(1)
            drawn.set()
            go_on.wait(20)
        connection.close()

    late = Thread(target=slowly)
    late.start()
    assert drawn.wait(20)
    _one_action(2)
    with pytest.raises(WritersBusyError):
        settled_upto()
    go_on.set()
    late.join(20)
    seal_new_rows(at_once=True)
    report = verify()
    assert (report.damage, report.rows, report.unsealed) == (None, 2, 0)


def _one_action(number):
    action(random.Random(number), number).save()


# --- what shows ------------------------------------------------------------------------------


@pytest.fixture
def sealed(db, key, small_seals):
    fill(60)
    seal_new_rows(at_once=True)
    take_away()  # as somebody who holds the file can
    yield key
    put_back()


def put_back():
    connection.check_constraints()
    guards.install()


def take_away():
    connection.check_constraints()  # PostgreSQL drops no trigger while some are pending
    guards.lift()


def run(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def damage_of(key, **facts):
    damage = verify(key=key, **facts).damage
    return (damage.kind, damage.table, damage.seq) if damage else None


def third(model=Exchange):
    return model.objects.order_by("seq")[2].pk


def test_a_changed_cell_names_its_row(sealed):
    seq = third()
    run("UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = %s", seq)
    assert damage_of(sealed) == ("changed", "exchange", seq)


def test_a_row_that_is_gone_is_named(sealed):
    seq = third(Action)
    run("DELETE FROM snapshots_action WHERE seq = %s", seq)
    assert damage_of(sealed) == ("missing", "action", seq)


def test_row_in_a_gap_counts_as_inserted(db, key, small_seals):
    rng = random.Random(6)
    for seq in (1001, 1003):
        action(rng, seq, seq=seq).save()
    seal_new_rows(at_once=True)
    action(rng, 7, seq=1002).save()
    assert damage_of(key) == ("inserted", "action", 1002)


def test_two_rows_that_changed_places_are_swapped(sealed):
    item, other = Action.objects.order_by("seq")[:2]
    guards.lift()
    values = Action.objects.filter(pk__in=[item.pk, other.pk]).order_by("seq").values()
    first, second = (dict(row) for row in values)
    for row in (first, second):
        row.pop("seq")
        row["details"] = json.dumps(row["details"])
    _write(item.pk, second | {"id": "0" * 32})
    _write(other.pk, first)
    _write(item.pk, second)
    assert damage_of(sealed) == ("swapped", "action", item.pk)


def _write(seq, values):
    """Each value as the portal itself writes it."""
    fields = {field.attname: field for field in Action._meta.concrete_fields}
    values = {
        name: value if name == "details" else fields[name].get_db_prep_save(value, connection)
        for name, value in values.items()
    }
    names = ", ".join(f"{name} = %s" for name in values)
    run(f"UPDATE snapshots_action SET {names} WHERE seq = %s", *values.values(), seq)


@pytest.mark.parametrize(
    ("sql", "kind", "number"),
    [
        ("UPDATE snapshots_seal SET root = digest WHERE number = 2", "seal", 2),
        ("UPDATE snapshots_seal SET leaves = root::bytea WHERE number = 2", "seal", 2),
        ("UPDATE snapshots_seal SET previous = root WHERE number = 3", "seal", 3),
        ("UPDATE snapshots_seal SET signature = '00' WHERE number = 2", "signature", 2),
        ("DELETE FROM snapshots_seal WHERE number = 2", "gap", 2),
        ("UPDATE snapshots_seal SET tables = '[]' WHERE number = 2", "seal", 2),
    ],
)
def test_a_seal_that_was_touched_is_named(sealed, sql, kind, number):
    run(sql if ON_POSTGRES else sql.replace("root::bytea", "CAST(root AS blob)"))
    assert damage_of(sealed) == (kind, "seal", number)


def test_rebuilt_chain_lacks_the_keys_signature(sealed, settings):
    run("UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = %s", third())
    run("DELETE FROM snapshots_seal")
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    seal_new_rows(at_once=True)
    assert verify().damage is None  # without the key nothing tells
    assert damage_of(sealed) == ("signature", "seal", 1)


def test_a_cut_end_shows_against_an_anchor_only(sealed):
    last = latest_seal()
    anchor = {"number": last.number, "digest": last.digest}
    assert damage_of(sealed, anchors=[anchor]) is None
    run("DELETE FROM snapshots_seal WHERE number = %s", last.number)
    for table, (after, upto, _rows) in last.tables.items():
        run(f"DELETE FROM snapshots_{table} WHERE seq > %s AND seq <= %s", after, upto)
    assert damage_of(sealed) is None
    assert damage_of(sealed, anchors=[anchor]) == ("cut", "seal", last.number)


def test_verify_command_reports_and_is_recorded(sealed, capsys):
    put_back()
    call_command("audit_verify")
    assert "Sound: " in capsys.readouterr().out
    assert Action.objects.latest("seq").code == "audit:verify"
    take_away()
    run("UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = %s", third())
    put_back()
    with pytest.raises(SystemExit):
        call_command("audit_verify")
    assert "DAMAGED (changed). Row" in capsys.readouterr().out
    assert Action.objects.latest("seq").code == "audit:verify:refused"


def test_a_missing_guard_alone_is_a_failure(sealed, capsys):
    with pytest.raises(SystemExit):
        call_command("audit_verify")
    assert "guard_exchange_change is missing" in capsys.readouterr().err
