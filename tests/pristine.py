"""The test database as the migrations made it: copied once, restored after tests that commit.

Django would empty every table instead, without the groups that migrations make, and would emit
`post_migrate`, which creates triggers and permissions again: half a second for each test.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection, transaction

from snapshots.audit.database import guards


class SqlitePristine:
    """A second file, copied over the first by SQLite itself. Also the file of portals in tests."""

    def __init__(self, database: str) -> None:
        self.file = Path(database).with_name(f"{Path(database).stem}-pristine.sqlite3")
        self._database = sqlite3.connect(database, timeout=20)
        self._database.execute("PRAGMA synchronous=OFF")
        with closing(sqlite3.connect(self.file)) as copy:
            self._database.backup(copy)
        self._copy = sqlite3.connect(self.file)

    def restore(self) -> None:
        self._copy.backup(self._database)

    def copy_to(self, path: Path) -> None:
        shutil.copy(self.file, path)

    def close(self) -> None:
        self._copy.close()
        self._database.close()


class PostgresPristine:
    """A schema of copies. Tables without a row in it are emptied, the others are filled from it,
    where they differ.
    """

    def __init__(self) -> None:
        self._guarded = {model._meta.db_table for model in guards.GUARDED + guards.ARCHIVED}
        self._triggers = [(name, table) for name, table in guards._names()]
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            self._tables = sorted(set(tables) - {"django_migrations"})
            self._filled = self._tables_with_rows(cursor)
            cursor.execute("CREATE SCHEMA pristine")
            for table in self._filled:
                cursor.execute(f'CREATE TABLE pristine."{table}" AS TABLE "{table}"')

    def restore(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            changed = set(self._tables_with_rows(cursor)) - set(self._filled)
            refilled = [table for table in self._filled if self._differs(cursor, table)]
            changed |= set(refilled)
            if guards.missing():
                guards.install()
            for table in changed & self._guarded:
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
            for table in changed:
                cursor.execute(f'DELETE FROM "{table}"')
            for table in refilled:
                cursor.execute(f'INSERT INTO "{table}" SELECT * FROM pristine."{table}"')
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or ALTER TABLE refuses
            for table in changed & self._guarded:
                cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')  # those that count
            for name, table in self._triggers:
                if table in changed & self._guarded:
                    cursor.execute(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"')

    def copy_to(self, path: Path) -> None:
        """A portal on SQLite, started beside this database, makes its tables itself."""

    def close(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA pristine CASCADE")

    def _differs(self, cursor, table: str) -> bool:
        rows = f'SELECT t::text FROM "{table}" t'
        copies = f'SELECT t::text FROM pristine."{table}" t'
        cursor.execute(
            f"SELECT EXISTS ({rows} EXCEPT ALL {copies}) OR EXISTS ({copies} EXCEPT ALL {rows})"
        )
        return cursor.fetchone()[0]

    def _tables_with_rows(self, cursor) -> list[str]:
        queries = (
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in self._tables
        )
        cursor.execute(" UNION ALL ".join(queries))
        return [table for (table,) in cursor.fetchall()]


def copy_of_database() -> SqlitePristine | PostgresPristine:
    if connection.vendor == "sqlite":
        return SqlitePristine(str(connection.settings_dict["NAME"]))
    return PostgresPristine()
