"""The database itself refuses what would change the trail."""

import uuid

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from snapshots.audit.database import guards
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.models import Action, Anomaly, AnomalyKind, Answer, Entry, Exchange, Seal, Tombstone

pytestmark = pytest.mark.django_db

ON_POSTGRES = connection.vendor == "postgresql"


def exchange(**details):
    facts = {
        "at": timezone.now(),
        "purpose": "create",
        "actor_name": "alice",
        "cloud": "sandbox",
        "sandbox": True,
        "target_kind": "volume",
        "target_name": "web-01",
        "method": "POST",
        "url": "http://cloud/v2/p/snapshots",
        "headers": {},
        "body": '{"snapshot": {"name": "before upgrade"}}',
    }
    return Exchange.objects.create(**facts | details)


def answer(of, **details):
    return Answer.objects.create(exchange=of, at=timezone.now(), elapsed_ms=5, **details)


def rows_of_each_table():
    sent = exchange()
    now = timezone.now()
    yield sent
    yield answer(sent, status=202)
    yield Action.objects.create(
        at=now, code="session:sign-in", cause=uuid.uuid4(), actor_name="alice"
    )
    yield Anomaly.objects.create(
        at=now, kind=AnomalyKind.UNMARKED, cloud="sandbox", message_code="late"
    )
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
        assert refused(f"UPDATE {table} SET at = %s WHERE {key} = %s", "2020-01-01", row.pk)
        assert refused(f"UPDATE {table} SET {key} = {key}")
        assert refused(f"DELETE FROM {table} WHERE {key} = %s", row.pk)
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
    assert refused(f"DELETE FROM {rows[0]._meta.db_table}")


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite's own way")
def test_insert_or_replace_is_refused_by_each_key(rows):
    for row in rows:
        fields = row._meta.concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        table = row._meta.db_table
        for unique in (field.column for field in fields if field.unique):
            stored = ", ".join(
                f'"{f.column}"' if f.column == unique or not f.unique else _other(f) for f in fields
            )
            sql = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {stored} FROM {table}"
            assert refused(sql)


def _other(field):
    """A value that is not in the table."""
    return "999" if field.get_internal_type().startswith("Big") else "hex(randomblob(16))"


def test_an_upsert_is_refused_by_every_unique_column(rows):
    for row in rows:
        table = row._meta.db_table
        for unique in (field.column for field in row._meta.concrete_fields if field.unique):
            sql = f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 1 ON CONFLICT ({unique})"
            assert refused(f"{sql} DO UPDATE SET at = excluded.at")


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no MERGE")
@pytest.mark.parametrize("then", ["UPDATE SET at = o.at", "DELETE"])
def test_a_merge_is_refused(rows, then):
    for row in rows:
        table, key = row._meta.db_table, row._meta.pk.column
        sql = f"MERGE INTO {table} t USING {table} o ON t.{key} = o.{key} WHEN MATCHED THEN {then}"
        assert refused(sql)


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite's own way")
@pytest.mark.parametrize("way", ["REPLACE", "IGNORE", "FAIL", "ABORT"])
def test_no_conflict_clause_changes_a_row(rows, way):
    for row in rows:
        table, key = row._meta.db_table, row._meta.pk.column
        before = type(row).objects.values().get(pk=row.pk)
        assert refused(f"UPDATE OR {way} {table} SET at = '2020-01-01', {key} = {key}")
        assert type(row).objects.values().get(pk=row.pk) == before


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite's own way")
@pytest.mark.parametrize("setting", ["recursive_triggers = ON", "recursive_triggers = OFF"])
@pytest.mark.parametrize("name", ["seq", "rowid", "oid", "_rowid_"])
@pytest.mark.parametrize("spelt", ["{}", "'{}'", "{}.0"])
def test_replacement_is_refused_under_each_key_name(rows, setting, name, spelt):
    sent = rows[0]
    columns = [field.column for field in sent._meta.concrete_fields if field.column != "seq"]
    others = ", ".join("hex(randomblob(16))" if item == "id" else f'"{item}"' for item in columns)
    quoted = ", ".join(f'"{item}"' for item in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {setting}")
    assert refused(
        f"REPLACE INTO snapshots_exchange ({name}, {quoted}) "
        f"SELECT {spelt.format(sent.seq)}, {others} FROM snapshots_exchange"
    )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = OFF")


# --- what a tombstone opens ------------------------------------------------------------------


def buried(*, last_seal, **tables):
    return Tombstone.objects.create(
        at=timezone.now(),
        actor_name="root",
        first_seal=1,
        last_seal=last_seal,
        tables=tables,
        file="f",
        sha256="0",
    )


def removed(row):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE seq = %s", [row.seq])
    return not type(row).objects.filter(seq=row.seq).exists()


def test_only_rows_under_sealed_tombstones_are_removable():
    sent = exchange()
    answered = answer(sent)
    (seal,) = seal_new_rows(at_once=True)
    late = exchange()
    last = late.seq
    stone = {"exchange": [sent.seq - 1, last, 2], "answer": [answered.seq - 1, answered.seq, 1]}
    stone = buried(last_seal=seal.number, **stone)
    delete = "DELETE FROM snapshots_exchange WHERE seq = %s"
    assert refused(delete, sent.seq)  # no seal knows the tombstone yet
    seal_new_rows(at_once=True)
    assert removed(answered)
    assert removed(sent)
    assert refused(delete, last)  # the seals that the tombstone names do not know it
    assert refused("DELETE FROM snapshots_tombstone WHERE seq = %s", stone.seq)


def test_temporary_table_does_not_replace_tombstones():
    sent = exchange()
    seal_new_rows(at_once=True)
    tables = f'{{"exchange": [0, {sent.seq}, 1], "tombstone": [0, 9, 1]}}'
    kind = "jsonb" if ON_POSTGRES else "text"
    with connection.cursor() as cursor:
        for name in ("tombstone", "seal"):
            cursor.execute(
                f"CREATE TEMPORARY TABLE snapshots_{name} AS SELECT 1 AS seq, 1 AS number, "
                f"1 AS last_seal, CAST(%s AS {kind}) AS tables",
                [tables],
            )
    try:
        assert refused("DELETE FROM snapshots_exchange")
    finally:
        with connection.cursor() as cursor:
            for name in ("tombstone", "seal"):
                temporary = "pg_temp" if ON_POSTGRES else "temp"
                cursor.execute(f"DROP TABLE {temporary}.snapshots_{name}")


# --- guards that are not there ---------------------------------------------------------------


def test_a_missing_guard_is_told_and_put_back():
    assert guards.missing() == []
    table = " ON snapshots_exchange" if ON_POSTGRES else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER guard_exchange_change{table}")
    details = run_checks(databases=["default"], tags=["database"])
    assert [item.id for item in details if "guard_exchange_change" in item.msg] == [
        "evsportal.W001"
    ]
    guards.install()
    assert guards.missing() == []


def test_disabled_or_replaced_guard_is_reported():
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


EMPTIED = """CREATE OR REPLACE FUNCTION evsportal_refuse_removal() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$ BEGIN RETURN OLD; END $$"""
OTHER_PATH = "ALTER FUNCTION evsportal_refuse_removal() RESET search_path"
WITH_EXCEPTION = """CREATE OR REPLACE TRIGGER guard_action_find AFTER INSERT ON snapshots_action
FOR EACH ROW WHEN (NEW.actor_name <> 'mallory') EXECUTE FUNCTION evsportal_find_action()"""


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no functions of its own")
@pytest.mark.parametrize(
    ("change", "what"),
    [(EMPTIED, "remove"), (OTHER_PATH, "remove"), (WITH_EXCEPTION, "find")],
    ids=["emptied", "other-path", "with-exception"],
)
def test_a_guard_that_does_something_else_is_told(change, what):
    with connection.cursor() as cursor:
        cursor.execute(change)
        cursor.execute("ALTER TABLE snapshots_action ENABLE ALWAYS TRIGGER guard_action_find")
    assert f"guard_action_{what}" in guards.missing()
    guards.install()
    assert guards.missing() == []


@pytest.mark.skipif(ON_POSTGRES, reason="SQLite's own way")
def test_guard_rewritten_in_the_schema_is_reported():
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA writable_schema = ON")
        cursor.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'never', 'seldom') "
            "WHERE name = 'guard_answer_change'"
        )
        cursor.execute("PRAGMA writable_schema = RESET")
    assert guards.missing() == ["guard_answer_change"]
    guards.install()
    assert guards.missing() == []


@pytest.mark.django_db(transaction=True)
def test_rebuilt_table_gets_its_guards_back():
    """SQLite makes the table anew for such a change, and its triggers are gone with the old one."""
    field = Exchange._meta.get_field("ticket")
    wider = type(field)(max_length=90, blank=True)
    wider.set_attributes_from_name("ticket")
    sent = exchange()
    with connection.schema_editor() as editor:
        editor.alter_field(Exchange, field, wider)
    assert ("guard_exchange_change" in guards.missing()) is not ON_POSTGRES
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.alter_field(Exchange, wider, field)
    call_command("migrate", verbosity=0)
    assert guards.missing() == []
    assert refused("UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = %s", sent.seq)


# --- the entries that the search reads -------------------------------------------------------


def test_each_record_gets_its_entry(rows):
    answer(exchange(background=True, body="a whole list"), status=404, code="EVS.5400", body="no")
    exchange()
    kinds = sorted(Entry.objects.values_list("kind", flat=True))
    assert kinds == ["action", "anomaly", "exchange", "exchange", "exchange"]
    result = Entry.objects.get(record=rows[0].id)
    assert (result.status, result.row, result.actor_name) == (202, rows[0].seq, "alice")
    assert "before upgrade" in result.text
    failed = Entry.objects.get(status=404)
    assert (failed.code, failed.text.split()) == ("EVS.5400", ["evs", "5400"])
