"""The numbers that the trail's next rows get."""

from django.db import connection

from snapshots.audit.database.settled import TRAIL


def go_on_after(number: int) -> None:
    """Let the next row of each table of the trail have a higher number. Seals cover gaps.

    After a restore the numbers of rows that were lost are not given again. A system that has those
    rows, by a push or an export, would take the new ones for repeated ones.
    """
    for model in TRAIL.values():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT COALESCE(max(seq), 0) FROM "{table}"')
            last = max(int(cursor.fetchone()[0]), number)
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'seq'), %s)", [table, last]
                )
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [table, last])
