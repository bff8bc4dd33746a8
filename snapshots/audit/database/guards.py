"""Triggers: they refuse changes of the trail, and fill the table that the search reads.

Installed by a migration and after every `migrate`, since SQLite drops a table's triggers whenever
it rebuilds the table. `missing` names what is not there.

Refused on every guarded table: UPDATE, TRUNCATE, INSERT OR REPLACE, and DELETE unless a tombstone
covers the row. The tombstone must be sealed, and the row by a seal that it names. Seals and
tombstones are never deleted at all.
"""

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import Model

from snapshots.models import Action, Anomaly, Answer, Entry, Exchange, Seal, Tombstone
from snapshots.models.finding import longest_of
from snapshots.models.folded import folded_sql, install_functions, words_sql

GUARDED: tuple[type[Model], ...] = (Exchange, Answer, Action, Anomaly, Tombstone, Seal)
ARCHIVED: tuple[type[Model], ...] = (Exchange, Answer, Action, Anomaly)
# Writers hold it shared from before their row gets its number until they commit; whoever must know
# that no lower number can still appear takes it alone. PostgreSQL only: SQLite has one writer.
WRITERS_LOCK = 7_030_265_701
WORDS_INDEX = "entry_words"  # PostgreSQL
TEXT_OF_BODY = 4000  # characters of each body that free text finds

_REFUSAL = "the audit trail is never changed"


def install() -> None:
    """Create every trigger again. Idempotent; one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        _fire_pending_triggers()
        install_functions()  # which the triggers call
        for statement in _statements():
            cursor.execute(statement, None)


def lift() -> None:
    """Remove every trigger, for data migrations and for the cleaning of test databases."""
    with transaction.atomic(), connection.cursor() as cursor:
        _fire_pending_triggers()
        for name, table in _names():
            of = f' ON "{table}"' if _is_postgres() else ""
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{of}', None)


def _fire_pending_triggers() -> None:
    """PostgreSQL alters no table with a trigger that waits for the commit, as the counting ones do
    (`models/version_triggers.py`).
    """
    if _is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def missing() -> list[str]:
    """The triggers that should be there and are not, or not as they should be."""
    present = _postgres_triggers() if _is_postgres() else _sqlite_triggers()
    return sorted(name for name, _table in _names() if name not in present)


def has_tables() -> bool:
    """Whether there is anything to guard yet."""
    return _table(Seal) in connection.introspection.table_names()


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _names() -> Iterator[tuple[str, str]]:
    """Each trigger and its table."""
    kinds = (
        ("change", "remove", "truncate", "line")
        if _is_postgres()
        else ("change", "remove", "replace")
    )
    for model in GUARDED:
        for kind in kinds:
            yield _name(model, kind), _table(model)
    for model in ARCHIVED:
        yield _name(model, "find"), _table(model)
    if not _is_postgres():
        for kind in ("added", "changed", "removed"):
            yield _name(Entry, kind), _table(Entry)


def _name(model: type[Model], kind: str) -> str:
    return f"guard_{model._meta.model_name}_{kind}"


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _sqlite_triggers() -> set[str]:
    """By name, and only while its text is the one that `install` would write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        present = dict(cursor.fetchall())
    expected = [statement for statement in _statements() if statement.startswith("CREATE TRIGGER")]
    return {name for name, sql in present.items() if sql in expected}


def _postgres_triggers() -> set[str]:
    """By name, and only while enabled for every role ('A': also for a replica's), fired when it
    should be, and calling a function whose text is the one that `install` would write.
    """
    expected = set(_postgres_calls())
    bodies = {name: f" {body} " for name, body in _postgres_functions().items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, pg_get_triggerdef(t.oid, true), p.proname, p.prosrc, "
            "p.proconfig = ARRAY['search_path=' || quote_ident(current_schema()) || ', pg_temp'] "
            "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE t.tgenabled = 'A' AND c.relnamespace = current_schema()::regnamespace"
        )
        return {
            name
            for name, call, function, body, finds_our_tables in cursor.fetchall()
            if call in expected and bodies.get(function) == body and finds_our_tables
        }


def _statements() -> Iterator[str]:
    yield from _postgres() if _is_postgres() else _sqlite()


# --- SQLite ----------------------------------------------------------------------------------


def _sqlite() -> Iterator[str]:
    for name, _ in _names():
        yield f'DROP TRIGGER IF EXISTS "{name}"'
    for model in GUARDED:
        yield from _sqlite_guards(model)
    yield (
        "CREATE VIRTUAL TABLE IF NOT EXISTS snapshots_entry_words USING fts5("
        "text, content='snapshots_entry', content_rowid='seq', "
        "tokenize='ascii')"  # all but ASCII is letters: `text` has blanks between words
    )
    for name, event, body in (
        ("added", "INSERT", _WORDS_IN),
        ("changed", "UPDATE OF text", _WORDS_OUT + _WORDS_IN),
        ("removed", "DELETE", _WORDS_OUT),
    ):
        yield (
            f'CREATE TRIGGER "{_name(Entry, name)}" AFTER {event} ON "snapshots_entry" '
            f"BEGIN {body}END"
        )
    for model in ARCHIVED:
        yield (
            f'CREATE TRIGGER "{_name(model, "find")}" AFTER INSERT ON "{_table(model)}" '
            f"BEGIN {_find(model)}; END"
        )


_WORDS_IN = "INSERT INTO snapshots_entry_words(rowid, text) VALUES (NEW.seq, NEW.text); "
_WORDS_OUT = (
    "INSERT INTO snapshots_entry_words(snapshots_entry_words, rowid, text) "
    "VALUES ('delete', OLD.seq, OLD.text); "
)


def _sqlite_guards(model: type[Model]) -> Iterator[str]:
    table = _table(model)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    yield f'CREATE TRIGGER "{_name(model, "change")}" BEFORE UPDATE ON "{table}" {refuse}'
    covered = f"WHEN NOT EXISTS ({_sqlite_cover(model)}) " if model in ARCHIVED else ""
    yield f'CREATE TRIGGER "{_name(model, "remove")}" BEFORE DELETE ON "{table}" {covered}{refuse}'
    # INSERT OR REPLACE removes the row it replaces without asking the trigger above.
    unique = [f.column for f in model._meta.concrete_fields if f.unique]
    taken = " OR ".join(f'"{column}" = NEW."{column}"' for column in unique)
    yield (
        f'CREATE TRIGGER "{_name(model, "replace")}" BEFORE INSERT ON "{table}" '
        f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {taken}) {refuse}'
    )


def _sqlite_cover(model: type[Model]) -> str:
    span = f"tables, '$.{model._meta.model_name}"
    return _cover(
        f"json_extract(t.{span}[0]')",
        f"json_extract(t.{span}[1]')",
        f"json_extract(s.{span}[1]')",
        "json_extract(tables, '$.tombstone[1]')",
    )


def _cover(after: str, upto: str, sealed_upto: str, stones_upto: str) -> str:
    """A tombstone over the row OLD: sealed itself, and of rows that its last seal had sealed.

    So nobody removes what no seal knows, and whoever forges a tombstone must first let the portal
    seal it: then it stays in the chain, without a signature that is good.
    """
    return (
        f"SELECT 1 FROM snapshots_tombstone t WHERE OLD.seq > {after} AND OLD.seq <= {upto} "
        f"AND OLD.seq <= (SELECT {sealed_upto} FROM snapshots_seal s WHERE s.number = t.last_seal) "
        f"AND t.seq <= (SELECT {stones_upto} FROM snapshots_seal ORDER BY number DESC LIMIT 1)"
    )


# --- PostgreSQL ------------------------------------------------------------------------------


def _postgres() -> Iterator[str]:
    # Not the caller's path: a temporary table of theirs must not pass for one of ours.
    path = f"SET search_path = {_schema()}, pg_temp"
    for function, body in _postgres_functions().items():
        yield (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql {path} "
            f"AS $$ {body} $$"
        )
    yield (
        "ALTER TABLE snapshots_entry ADD COLUMN IF NOT EXISTS words tsvector "
        "GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED"
    )
    yield f"CREATE INDEX IF NOT EXISTS {WORDS_INDEX} ON snapshots_entry USING gin (words)"
    for name, table in _names():
        yield f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"'
    yield from _postgres_calls()
    for name, table in _names():
        # "Always": also where a session calls itself a replica.
        yield f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"'


def _schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def _postgres_functions() -> dict[str, str]:
    """What each does, by its name."""
    refuse = f"RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END"
    covered = _cover(
        "(t.tables -> TG_ARGV[0] ->> 0)::bigint",
        "(t.tables -> TG_ARGV[0] ->> 1)::bigint",
        "(s.tables -> TG_ARGV[0] ->> 1)::bigint",
        "(tables -> 'tombstone' ->> 1)::bigint",
    )
    return {
        "evsportal_refuse": f"BEGIN {refuse}",
        "evsportal_refuse_removal": (
            f"BEGIN IF EXISTS ({covered}) THEN RETURN OLD; END IF; {refuse}"
        ),
        # Before the statement's first row is made, so before it draws a number.
        "evsportal_in_line": (
            f"BEGIN PERFORM pg_advisory_xact_lock_shared({WRITERS_LOCK}); RETURN NULL; END"
        ),
        **{_finder(model): f"BEGIN {_find(model)}; RETURN NULL; END" for model in ARCHIVED},
    }


def _finder(model: type[Model]) -> str:
    return f"evsportal_find_{model._meta.model_name}"


def _postgres_calls() -> Iterator[str]:
    """Each trigger, spelt as PostgreSQL itself tells it."""
    for model in GUARDED:
        removal = (
            f"evsportal_refuse_removal('{model._meta.model_name}')"
            if model in ARCHIVED
            else "evsportal_refuse()"
        )
        yield _postgres_call(model, "change", "BEFORE UPDATE", "ROW", "evsportal_refuse()")
        yield _postgres_call(model, "remove", "BEFORE DELETE", "ROW", removal)
        yield _postgres_call(
            model, "truncate", "BEFORE TRUNCATE", "STATEMENT", "evsportal_refuse()"
        )
        yield _postgres_call(model, "line", "BEFORE INSERT", "STATEMENT", "evsportal_in_line()")
    for model in ARCHIVED:
        yield _postgres_call(model, "find", "AFTER INSERT", "ROW", f"{_finder(model)}()")


def _postgres_call(model: type[Model], kind: str, event: str, each: str, call: str) -> str:
    name, table = _name(model, kind), _table(model)
    return f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {call}"


# --- what the search is given, in words of both databases ------------------------------------
# Names and words are folded (`models/folding.py`): an entry is found by it, and never shown.

_COLUMNS = (
    "at, kind, row, record, what, background, cause, actor_id, actor_name, on_behalf_of, "
    "ticket, operation_id, cloud, volume_id, volume_name, target_id, "
    "target_name, status, code, text"
)
_OF_OPERATION = "COALESCE(o.{}, '')"
_VOLUME_OF_OPERATION = f"{_OF_OPERATION.format('volume_id')}, " + folded_sql(
    _OF_OPERATION.format("volume_name"), longest=longest_of("volume_name")
)
_OPERATION = "LEFT JOIN snapshots_operation o ON o.id = NEW.operation_id"


def _name_sql(column: str, expression: str) -> str:
    """SQL for a name as the search compares it."""
    return folded_sql(expression, longest=longest_of(column))


def _names_sql(*columns: str) -> str:
    return ", ".join(_name_sql(column, f"NEW.{column}") for column in columns)


_PEOPLE = f"NEW.cause, NEW.actor_id, {_names_sql('actor_name', 'on_behalf_of', 'ticket')}"


def _volume_sql(own: str, of_operation: str) -> str:
    """SQL for the volume: the target itself, or that of the operation."""
    other = f"SELECT o.{of_operation} FROM snapshots_operation o WHERE o.id = NEW.operation_id"
    return f"CASE NEW.target_kind WHEN 'volume' THEN NEW.{own} ELSE COALESCE(({other}), '') END"


_THINGS = (
    f"NEW.operation_id, {_names_sql('cloud')}, {_volume_sql('target_id', 'volume_id')}, "
    f"{_name_sql('volume_name', _volume_sql('target_name', 'volume_name'))}, "
    f"NEW.target_id, {_names_sql('target_name')}"
)
_NO_STATUS = "CAST(NULL AS smallint), ''"
_NAMES = "NEW.target_name || ' ' || NEW.ticket || ' ' || NEW.on_behalf_of"

# What auditors themselves look at would soon be most of what they see; damage and a stranger's try
# are another thing. Other settings of a cloud are what somebody did, though nobody clicked.
_READ_CODES = "'audit:read:refused', 'audit:verify:refused'"
_BACKGROUND_ACTION = (
    "(NEW.actor_name = 'portal' AND NEW.code NOT LIKE 'cloud:%') "
    f"OR (NEW.code LIKE 'audit:%' AND NEW.code NOT IN ({_READ_CODES}))"
)
# The body of a background reading is a whole list of the cloud's: nobody looks for a word of it.
_ENTRIES: dict[type[Model], str] = {
    Exchange: (
        f"NEW.at, 'exchange', NEW.seq, NEW.id, NEW.purpose, NEW.background, {_PEOPLE}, {_THINGS}, "
        f"{_NO_STATUS}, CASE WHEN NEW.background THEN '' ELSE "
        + words_sql(f"{_NAMES} || ' ' || NEW.url || ' ' || substr(NEW.body, 1, {TEXT_OF_BODY})")
        + " END"
    ),
    Action: (
        f"NEW.at, 'action', NEW.seq, NEW.id, NEW.code, {_BACKGROUND_ACTION}, {_PEOPLE}, "
        f"{_THINGS}, {_NO_STATUS}, "
        + words_sql(
            f"{_NAMES} || ' ' || NEW.subject || ' ' || NEW.address || ' ' || "
            f"substr(CAST(NEW.details AS text), 1, {TEXT_OF_BODY})"
        )
    ),
    Anomaly: (
        "NEW.at, 'anomaly', NEW.seq, NEW.id, NEW.kind, 1 = 0, o.cause, CAST(NULL AS bigint), "
        "'portal', "
        f"{_name_sql('on_behalf_of', _OF_OPERATION.format('on_behalf_of'))}, "
        f"{_name_sql('ticket', _OF_OPERATION.format('ticket'))}, NEW.operation_id, "
        f"{_names_sql('cloud')}, {_VOLUME_OF_OPERATION}, {_VOLUME_OF_OPERATION}, {_NO_STATUS}, "
        + words_sql(f"substr(CAST(NEW.message_values AS text), 1, {TEXT_OF_BODY})")
    ),
}
_ANSWERED = (
    "UPDATE snapshots_entry SET status = NEW.status, "
    "code = CASE WHEN NEW.code <> '' THEN NEW.code ELSE NEW.error END, "
    "text = snapshots_entry.text || ' ' || "
    + words_sql(
        "NEW.request_id || ' ' || NEW.code || ' ' || NEW.error || ' ' || NEW.error_text || "
        f"CASE WHEN background THEN '' ELSE ' ' || substr(NEW.body, 1, {TEXT_OF_BODY}) END"
    )
)
_ITS_ENTRY = "snapshots_entry.kind = 'exchange' AND snapshots_entry.row = NEW.exchange_id"


def _find(model: type[Model]) -> str:
    """What a trigger does with a new row."""
    if model is Answer:
        return f"{_ANSWERED} WHERE {_ITS_ENTRY}"
    source = f" FROM (SELECT 1) AS one {_OPERATION}" if model is Anomaly else ""
    return f"INSERT INTO snapshots_entry ({_COLUMNS}) SELECT {_ENTRIES[model]}{source}"
