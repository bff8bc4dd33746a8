"""Folds what lists and the audit trail's search compare, in batches. May be run again after a break.

The trail itself is not touched: only what the search derives from it.
"""

from django.db import migrations, transaction

from snapshots.audit import guards
from snapshots.models import folded
from snapshots.models.finding import longest_of

BATCH = 5_000


def fold_rows(apps, schema_editor):
    connection = schema_editor.connection
    folded.install()
    with connection.cursor() as cursor:
        for model in folded.SEARCHED:
            table = model._meta.db_table
            _in_batches(cursor, table, "id", f"folded = {folded.column_sql(model)}")
        _take_words_away(cursor, connection.vendor)
        names = ("actor_name", "on_behalf_of", "ticket", "cloud", "volume_name")
        changes = [
            f"{name} = {folded.folded_sql(name, longest=longest_of(name))}" for name in names
        ]
        of = "(SELECT t.actor_id FROM snapshots_{} t WHERE t.seq = snapshots_entry.row)"
        actors = (f"WHEN '{kind}' THEN {of.format(kind)}" for kind in ("exchange", "action"))
        changes.append(f"actor_id = CASE kind {' '.join(actors)} END")
        changes.append(f"text = {folded.words_sql('text')}")
        _in_batches(cursor, "snapshots_entry", "seq", ", ".join(changes))
    guards.install()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO snapshots_entry_words(snapshots_entry_words) VALUES ('rebuild')"
            )


def lift_triggers(apps, schema_editor):
    """Backwards: triggers name columns that go next. The older code's `migrate` makes its own."""
    folded.lift()
    guards.lift()


def _take_words_away(cursor, vendor):
    """The index of words would be kept up with each batch. Rows that come now are folded already."""
    if vendor == "sqlite":
        guards.lift()
        cursor.execute("DROP TABLE IF EXISTS snapshots_entry_words")
        return
    cursor.execute("ALTER TABLE snapshots_entry DROP COLUMN IF EXISTS words")
    for statement in guards._statements():
        if statement.startswith("CREATE OR REPLACE FUNCTION"):
            cursor.execute(statement, None)


def _in_batches(cursor, table, key, changes):
    cursor.execute(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1")
    (first,) = cursor.fetchone() or (None,)
    while first is not None:
        cursor.execute(
            f"SELECT {key} FROM {table} WHERE {key} >= %s ORDER BY {key} LIMIT 1 OFFSET {BATCH}",
            [first],
        )
        (upto,) = cursor.fetchone() or (None,)
        limit, values = ("", [first]) if upto is None else (f" AND {key} < %s", [first, upto])
        with transaction.atomic():
            cursor.execute(f"UPDATE {table} SET {changes} WHERE {key} >= %s{limit}", values)
        first = upto


class Migration(migrations.Migration):
    atomic = False
    old_code_may_run = False  # on SQLite it has no functions for the triggers; its searches miss
    dependencies = [("snapshots", "0025_folded")]
    operations = [migrations.RunPython(fold_rows, lift_triggers)]
