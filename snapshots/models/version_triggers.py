"""Triggers that count changes (`versions.py`), so that no statement that writes can forget it.

No change is ever missed: whoever reads a number and then the rows either sees both from before the
commit, or finds another number at the next look. SQLite has one writer, so the order of its numbers
is the order of its commits. On PostgreSQL the triggers run at the end of the transaction, when it
has all its other locks, and take one lock until the commit: nobody waits in a circle, and of two
transactions the one that counts later commits later.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from snapshots.models.versions import CLOUDS, FIXED_TOPICS, GRANTS, OPERATIONS, RIGHTS, SNAPSHOTS

_LOCK = 7_030_265_705  # held from counting to the commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A table whose changes count. `topics`: SQL for a topic of a row; NULL is none.

    An update counts where one of the `columns` has changed; with `but`, one of all others.
    """

    table: str
    topics: tuple[str, ...]
    columns: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


_VOLUME = "'volume:' || {row}.cloud || ' ' || {row}.volume_id"
_OF_OPERATION = "(SELECT {what} FROM snapshots_operation o WHERE o.id = {{row}}.{key})"
_REQUESTER = _OF_OPERATION.format(what="'person:' || o.requester_id", key="operation_id")
_REQUESTER_BEFORE = (
    "(SELECT 'person:' || b.requester_id FROM snapshots_operation o JOIN snapshots_operation b "
    "ON b.id = o.again_for_id WHERE o.id = {row}.operation_id)"
)

WATCHED = (
    Watched(
        table="snapshots.Operation",
        topics=(
            f"'{OPERATIONS}'",
            "'person:' || {row}.requester_id",
            _OF_OPERATION.format(what="'person:' || o.requester_id", key="again_for_id"),
            _VOLUME,
        ),
        but=("due_at", "token", "owner", "folded"),  # claims and leases
    ),
    Watched(
        table="snapshots.Snapshot",
        topics=(f"'{SNAPSHOTS}'", _REQUESTER, _REQUESTER_BEFORE, _VOLUME),
        but=("missed", "asked_alone_at", "folded"),
    ),
    # When it was seen last is written with every reading of all volumes: a page may say an earlier
    # moment, which is true as well.
    Watched(table="snapshots.Volume", topics=(_VOLUME,), but=("seen_at", "folded")),
    Watched(
        table="snapshots.CloudHealth",
        topics=(f"'{CLOUDS}'",),
        but=("answered_at", "fails", "inventory_at", "matched_at"),
    ),
    Watched(table="snapshots.Quota", topics=(f"'{CLOUDS}'",), but=("seen_at",)),
    Watched(table="snapshots.VolumeGrant", topics=(f"'{GRANTS}'",)),
    Watched(table="snapshots.GrantMatch", topics=(f"'{GRANTS}'",)),
    Watched(
        table="snapshots.Anomaly",
        topics=(
            _OF_OPERATION.format(
                what="'volume:' || o.cloud || ' ' || o.volume_id", key="operation_id"
            ),
        ),
    ),
    Watched(
        table="auth.User",
        topics=(f"'{RIGHTS}'",),
        columns=("username", "password", "is_active", "is_superuser"),
    ),
    Watched(table="auth.User_groups", topics=(f"'{RIGHTS}'",)),
    Watched(table="auth.User_user_permissions", topics=(f"'{RIGHTS}'",)),
    Watched(table="auth.Group", topics=(f"'{RIGHTS}'",)),
    Watched(table="auth.Group_permissions", topics=(f"'{RIGHTS}'",)),
    Watched(table="snapshots.Preferences", topics=(f"'{RIGHTS}'",)),
    # A factor's row also notes each code that was used, which changes nothing.
    Watched(table="mfa.Authenticator", topics=(f"'{RIGHTS}'",), columns=("type",)),
)


def install() -> None:
    """Put every trigger in place. Idempotent; one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _statements():
            cursor.execute(statement, None)


def lift() -> None:
    """Take them away, before the table they write to goes."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name, table, _sql in _triggers():
            of = f' ON "{table}"' if _is_postgres() else ""
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{of}', None)


def missing() -> list[str]:
    """The triggers that should be there and are not, or not as they should be."""
    with connection.cursor() as cursor:
        if not _is_postgres():
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
            present = {row[0] for row in cursor.fetchall()}
            return [name for name, _table, sql in _triggers() if sql not in present]
        cursor.execute(
            "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace"
        )
        present = {row[0] for row in cursor.fetchall()}
        return [name for name, _table, _sql in _triggers() if name not in present]


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _statements() -> Iterator[str]:
    if _is_postgres():
        yield from _functions()
    for name, table, sql in _triggers():
        of = f' ON "{table}"' if _is_postgres() else ""
        yield f'DROP TRIGGER IF EXISTS "{name}"{of}'
        yield sql


def _triggers() -> Iterator[tuple[str, str, str]]:
    """Of each its name, its table, and the statement that makes it."""
    for watched in WATCHED:
        model = apps.get_model(watched.table)
        table = model._meta.db_table
        for event in ("insert", "update", "delete"):
            name = f"count_{table}_{event}"
            when = f" WHEN ({_has_changed(model, watched)})" if event == "update" else ""
            if _is_postgres():
                yield name, table, _postgres(name, table, event, when)
            else:
                yield name, table, _sqlite(name, table, event, when, watched)


def _has_changed(model: type[Model], watched: Watched) -> str:
    names = {str(field.column) for field in model._meta.concrete_fields}
    columns = sorted(names & set(watched.columns) or names - set(watched.but))
    differs = "IS DISTINCT FROM" if _is_postgres() else "IS NOT"
    return " OR ".join(f'OLD."{column}" {differs} NEW."{column}"' for column in columns)


def _topics(watched: Watched, *rows: str) -> str:
    """A query for the topics of these rows, each once."""
    expressions = (topic.format(row=row) for row in rows for topic in watched.topics)
    return " UNION ".join(f"SELECT {topic} AS topic" for topic in dict.fromkeys(expressions))


# --- SQLite ----------------------------------------------------------------------------------


def _sqlite(name: str, table: str, event: str, when: str, watched: Watched) -> str:
    """Without ON CONFLICT: the conflict clause of the statement outside would count for it."""
    rows = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}[event]
    topics = _topics(watched, *rows)
    return (
        f'CREATE TRIGGER "{name}" AFTER {event.upper()} ON "{table}"{when} BEGIN '
        f"INSERT INTO snapshots_version (topic, number) SELECT t.topic, 0 FROM ({topics}) t "
        "WHERE t.topic IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM snapshots_version v WHERE v.topic = t.topic); "
        f"UPDATE snapshots_version SET number = number + 1 WHERE topic IN ({topics}); END"
    )


# --- PostgreSQL ------------------------------------------------------------------------------


def _postgres(name: str, table: str, event: str, when: str) -> str:
    return (
        f'CREATE CONSTRAINT TRIGGER "{name}" AFTER {event.upper()} ON "{table}" '
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW{when} "
        f"EXECUTE FUNCTION evsportal_count_{table}()"
    )


def _functions() -> Iterator[str]:
    """A topic of everybody's is counted once in a transaction, however many rows it writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    fixed = ", ".join(f"'{topic}'" for topic in FIXED_TOPICS)
    for watched in WATCHED:
        table = apps.get_model(watched.table)._meta.db_table
        yield (
            f"CREATE OR REPLACE FUNCTION evsportal_count_{table}() RETURNS trigger "
            f"LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$ "
            "DECLARE one text; mine text := pg_current_xact_id()::text; "
            f"BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); "
            f"FOR one IN SELECT t.topic FROM ({_topics(watched, 'OLD', 'NEW')}) t "
            "WHERE t.topic IS NOT NULL LOOP "
            f"IF one IN ({fixed}) THEN "
            "CONTINUE WHEN current_setting('evsportal.' || one, true) = mine; "
            "PERFORM set_config('evsportal.' || one, mine, true); END IF; "
            "INSERT INTO snapshots_version (topic, number) VALUES (one, 1) "
            "ON CONFLICT (topic) DO UPDATE SET number = snapshots_version.number + 1; "
            "END LOOP; RETURN NULL; END $$"
        )
