"""Folding within the database: functions for SQL, and the columns that lists are searched by.

SQLite calls Python. PostgreSQL gets functions made from the same tables, so both find the same.
Triggers fill the columns: rows come in by forms, in bulk, by `update` and by SQL.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, JSONField, Model, TextField

from snapshots.models.folding import (
    ASCII_BETWEEN_WORDS,
    JSON_ESCAPES,
    fold,
    fold_character,
    fold_character_of_words,
    fold_words,
    pairs_beyond_ascii,
)
from snapshots.models.mirrors import Volume
from snapshots.models.operations import Operation
from snapshots.models.snapshots import Snapshot

# What each list is searched by, beside ids.
SEARCHED: dict[type[Model], tuple[str, ...]] = {
    Volume: (
        *("name", "status", "volume_type", "availability_zone", "attached_to"),
        *("server_names", "metadata"),
    ),
    Operation: ("name", "volume_name", "requester_name", "on_behalf_of", "ticket"),
    Snapshot: ("name", "volume_name", "description", "status", "owner_name", "ticket"),
}
# PostgreSQL's functions are made again when this changes: count up with each change of folding.
_MADE_OF = f"folding 1, Unicode {unicodedata.unidata_version}"


def register_functions(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """For the signal `connection_created`."""
    if connection.vendor == "sqlite":
        make = connection.connection.create_function
        make("evsportal_fold", 1, _of_any_value(fold), deterministic=True)
        make("evsportal_words", 1, _of_any_value(fold_words), deterministic=True)


def _of_any_value(folded: Callable[[str], str]) -> Callable[[object], str | None]:
    """A column of SQLite may hold a number or bytes, and a trigger must not fail for that."""
    return lambda value: None if value is None else folded(str(value))


class Fold(Func):
    """The folded text of a column, for what has no column of its own."""

    function = "evsportal_fold"
    output_field = TextField()


def folded_sql(expression: str, *, longest: int) -> str:
    """SQL for the folded text, cut to fit a column: folding may lengthen a text."""
    return f"substr(evsportal_fold({expression}), 1, {longest})"


def words_sql(expression: str) -> str:
    """SQL for the folded words of a text."""
    return f"evsportal_words({expression})"


def install(*models: type[Model]) -> None:
    """Put functions and triggers in place, of all searched models if none is named. Idempotent;
    one transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        install_functions()
        for model in models or SEARCHED:
            for statement in _triggers(model):
                cursor.execute(statement, None)


def lift(*models: type[Model]) -> None:
    """Take the triggers away, before their columns go; of all searched models if none is named."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in models or SEARCHED:
            for event in ("", "_insert", "_update"):
                of = f' ON "{_table(model)}"' if _is_postgres() else ""
                cursor.execute(f'DROP TRIGGER IF EXISTS "{_trigger(model)}{event}"{of}', None)


def install_functions() -> None:
    """Make PostgreSQL's functions, unless they are there as they should be."""
    if not _is_postgres() or _made_of() == {_MADE_OF}:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for function in _functions():
            cursor.execute(function, None)


def missing() -> list[str]:
    """The functions and triggers that should be there and are not."""
    with connection.cursor() as cursor:
        if not _is_postgres():
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
            present = {row[0] for row in cursor.fetchall()}
            return [name for name, sql in _sqlite_triggers() if sql not in present]
        cursor.execute(
            "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace"
        )
        present = {row[0] for row in cursor.fetchall()}
    missing = [] if _made_of() == {_MADE_OF} else ["evsportal_fold"]
    return missing + [name for name in map(_trigger, SEARCHED) if name not in present]


def column_sql(model: type[Model], row: str = "") -> str:
    """SQL expression for the column `folded`: one text per line."""
    texts = [
        words_sql(f"COALESCE(CAST({row}\"{name}\" AS text), '')")  # JSON may spell letters as \u
        if isinstance(model._meta.get_field(name), JSONField)
        else f"COALESCE({row}\"{name}\", '')"
        for name in SEARCHED[model]
    ]
    return "evsportal_fold(" + " || '\n' || ".join(texts) + ")"


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _trigger(model: type[Model]) -> str:
    return f"fold_{model._meta.model_name}"


def _columns(model: type[Model]) -> str:
    return ", ".join(f'"{name}"' for name in (*SEARCHED[model], "folded"))


def _triggers(model: type[Model]) -> Iterator[str]:
    if _is_postgres():
        yield from _postgres_trigger(model)
        return
    for name, sql in _sqlite_triggers():
        if name.startswith(f"{_trigger(model)}_"):
            yield f'DROP TRIGGER IF EXISTS "{name}"'
            yield sql


# --- SQLite ----------------------------------------------------------------------------------


def _sqlite_triggers() -> Iterator[tuple[str, str]]:
    """Each with its name. A row is written a second time only where its column is not right."""
    for model in SEARCHED:
        table, folded = _table(model), column_sql(model, "NEW.")
        for event, of in (("insert", ""), ("update", f" OF {_columns(model)}")):
            name = f"{_trigger(model)}_{event}"
            sql = (
                f'CREATE TRIGGER "{name}" AFTER {event.upper()}{of} ON "{table}" '
                f"WHEN NEW.folded IS NOT {folded} "
                f'BEGIN UPDATE "{table}" SET folded = {folded} WHERE rowid = NEW.rowid; END'
            )
            yield name, sql


# --- PostgreSQL ------------------------------------------------------------------------------


def _postgres_trigger(model: type[Model]) -> Iterator[str]:
    name, table = _trigger(model), _table(model)
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    yield (
        f"CREATE OR REPLACE FUNCTION evsportal_{name}() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path = {schema}, pg_temp AS $$ "
        f"BEGIN NEW.folded := {column_sql(model, 'NEW.')}; RETURN NEW; END $$"
    )
    yield f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"'
    yield (
        f'CREATE TRIGGER "{name}" BEFORE INSERT OR UPDATE OF {_columns(model)} ON "{table}" '
        f"FOR EACH ROW EXECUTE FUNCTION evsportal_{name}()"
    )


def _made_of() -> set[str]:
    """What the functions that are there were made of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT obj_description(oid, 'pg_proc') FROM pg_proc "
            "WHERE proname IN ('evsportal_fold', 'evsportal_words') "
            "AND pronamespace = current_schema()::regnamespace"
        )
        return {row[0] for row in cursor.fetchall()}


def _functions() -> Iterator[str]:
    """Both are immutable: what they say depends on nothing but their argument."""
    lower = 'lower(t COLLATE "C")'
    separators, blanks = _quoted(ASCII_BETWEEN_WORDS.strip("\0")), len(ASCII_BETWEEN_WORDS)
    of_words = f"translate({lower}, {separators}, repeat(' ', {blanks}))"
    kinds = (
        ("evsportal_fold", "", fold_character, lower),
        ("evsportal_words", _UNESCAPE, fold_character_of_words, of_words),
    )
    for name, first, folded, of_ascii in kinds:
        pairs = _quoted(json.dumps(pairs_beyond_ascii(folded), ensure_ascii=False))
        yield (
            f"CREATE OR REPLACE FUNCTION {name}(t text) RETURNS text LANGUAGE plpgsql "
            f"IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS "
            f"{_quoted(_BODY.format(first=first, pairs=pairs, of_ascii=of_ascii))}"
        )
        yield f"COMMENT ON FUNCTION {name}(text) IS {_quoted(_MADE_OF)}"


# Each different character is looked up once. What a character folds to folds no further, so the
# order in which they are replaced does not matter.
_BODY = """
DECLARE character text; folded text;
BEGIN
  {first}
  t := {of_ascii};
  IF octet_length(t) = length(t) THEN RETURN t; END IF;
  FOR character, folded IN
    SELECT one, CASE WHEN ascii(one) BETWEEN 44032 AND 55203 THEN normalize(one, NFKD)
      ELSE {pairs}::jsonb ->> one END
    FROM (SELECT DISTINCT m[1] AS one FROM regexp_matches(t, '[^\\x01-\\x7f]', 'g') m) every
  LOOP
    IF folded IS NOT NULL THEN t := replace(t, character, folded); END IF;
  END LOOP;
  RETURN t;
END"""
# The longest first: a shorter run of escapes may be a part of it.
_UNESCAPE = f"""IF position('\\u' IN t) > 0 THEN
    FOR character IN
      SELECT run FROM (
        SELECT DISTINCT m[1] AS run FROM regexp_matches(t, '({JSON_ESCAPES}+)', 'g') m
      ) runs ORDER BY length(run) DESC
    LOOP
      t := replace(t, character, ('"' || character || '"')::jsonb #>> '{{}}');
    END LOOP;
  END IF;"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
