"""The database itself refuses what would change the trail."""

import uuid

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from snapshots.audit import guards
from snapshots.models import Action, Anomaly, AnomalyKind, Answer, Entry, Exchange, Seal, Tombstone

pytestmark = pytest.mark.django_db

ON_POSTGRES = connection.vendor == "postgresql"


def exchange(**told):
    facts = {
        "at": timezone.now(),
        "purpose": "create",
        "actor_name": "alice",
        "cloud": "sandbox",
        "sandbox": True,
        "volume_name": "web-01",
        "method": "POST",
        "url": "http://cloud/v2/p/snapshots",
        "headers": {},
        "body": '{"snapshot": {"name": "before upgrade"}}',
    }
    return Exchange.objects.create(**facts | told)


def answer(of, **told):
    return Answer.objects.create(exchange=of, at=timezone.now(), elapsed_ms=5, **told)


def rows_of_each_table():
    sent = exchange()
    now = timezone.now()
    yield sent
    yield answer(sent, status=202)
    yield Action.objects.create(
        at=now, code="session:sign-in", cause=uuid.uuid4(), actor_name="alice"
    )
    yield Anomaly.objects.create(at=now, kind=AnomalyKind.UNMARKED, cloud="sandbox", words="odd")
    yield Tombstone.objects.create(
        at=now, actor_name="root", first_seal=1, last_seal=1, tables={}, file="f", sha256="0"
    )
    yield Seal.objects.create(
        number=1, at=now, format=1, tables={}, leaves=b"", root="0", previous="0", digest="0"
    )


def refused(sql, *values):
    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
    return True


@pytest.fixture
def rows(db):
    return list(rows_of_each_table())


def test_every_guarded_table_is_tried(rows):
    assert {type(row) for row in rows} == set(guards.GUARDED)


def test_no_sql_changes_or_removes_a_row(rows):
    for row in rows:
        table, key = row._meta.db_table, row._meta.pk.column
        before = type(row).objects.values().get(pk=row.pk)
        assert refused(f"UPDATE {table} SET at = %s WHERE {key} = %s", "2020-01-01", row.pk)  # noqa: S608
        assert refused(f"UPDATE {table} SET {key} = {key}")  # noqa: S608
        assert refused(f"DELETE FROM {table} WHERE {key} = %s", row.pk)  # noqa: S608
        assert type(row).objects.values().get(pk=row.pk) == before


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no TRUNCATE")
def test_no_table_is_truncated(rows):
    connection.check_constraints()  # else they are pending, and that alone refuses
    for row in rows:
        assert refused(f"TRUNCATE {row._meta.db_table} CASCADE")


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no replicas")
def test_calling_oneself_a_replica_opens_nothing(rows):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    assert refused(f"DELETE FROM {rows[0]._meta.db_table}")  # noqa: S608


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite's own way")
def test_insert_or_replace_is_refused_by_every_unique_column(rows):
    for row in rows:
        fields = row._meta.concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        table = row._meta.db_table
        for unique in (field.column for field in fields if field.unique):
            kept = ", ".join(
                f'"{f.column}"' if f.column == unique or not f.unique else _other(f) for f in fields
            )
            sql = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {kept} FROM {table}"  # noqa: S608
            assert refused(sql)


def _other(field):
    """A value that is not in the table."""
    return "999" if field.get_internal_type().startswith("Big") else "hex(randomblob(16))"


def test_an_upsert_is_refused(rows):
    table = "snapshots_seal"
    assert refused(
        f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 1 "  # noqa: S608
        "ON CONFLICT (number) DO UPDATE SET root = 'forged'"
    )


def test_what_a_tombstone_covers_may_be_removed_and_nothing_else(rows):
    sent = rows[0]
    answer_row = rows[1]
    other = exchange()
    Tombstone.objects.create(
        at=timezone.now(),
        actor_name="root",
        first_seal=1,
        last_seal=1,
        tables={
            "exchange": [sent.seq - 1, sent.seq, 1],
            "answer": [answer_row.seq - 1, answer_row.seq, 1],
        },
        file="f",
        sha256="0",
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM snapshots_answer WHERE seq = %s", [answer_row.seq])
        cursor.execute("DELETE FROM snapshots_exchange WHERE seq = %s", [sent.seq])
    assert list(Exchange.objects.all()) == [other]
    assert refused("DELETE FROM snapshots_exchange WHERE seq = %s", other.seq)


def test_a_missing_guard_is_told_and_put_back():
    assert guards.missing() == []
    table = " ON snapshots_exchange" if ON_POSTGRES else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER guard_exchange_change{table}")
    told = run_checks(databases=["default"], tags=["database"])
    assert [one.id for one in told if "guard_exchange_change" in one.msg] == ["evsportal.W001"]
    guards.install()
    assert guards.missing() == []


def test_a_guard_that_was_put_to_sleep_or_replaced_is_told():
    with connection.cursor() as cursor:
        if ON_POSTGRES:
            cursor.execute("ALTER TABLE snapshots_seal DISABLE TRIGGER guard_seal_remove")
        else:
            cursor.execute("DROP TRIGGER guard_seal_remove")
            cursor.execute(
                "CREATE TRIGGER guard_seal_remove BEFORE DELETE ON snapshots_seal "
                "WHEN 0 BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END"
            )
    assert guards.missing() == ["guard_seal_remove"]


# --- the entries that the search reads -------------------------------------------------------


def entries():
    names = [f.name for f in Entry._meta.concrete_fields if f.name != "seq"]
    return sorted(Entry.objects.values_list(*names), key=str)


def test_each_row_has_its_entry_and_reindexing_makes_the_same(rows):
    answer(exchange(background=True, body="a whole list"), status=404, code="EVS.5400", body="no")
    exchange()
    made = entries()
    kinds = sorted(Entry.objects.values_list("kind", flat=True))
    assert kinds == ["action", "anomaly", "exchange", "exchange", "exchange"]
    found = Entry.objects.get(record=rows[0].id)
    assert (found.status, found.row, found.actor_name) == (202, rows[0].seq, "alice")
    assert "before upgrade" in found.text
    failed = Entry.objects.get(status=404)
    assert (failed.code, failed.text.split()) == ("EVS.5400", ["EVS.5400"])
    guards.reindex()
    assert entries() == made
