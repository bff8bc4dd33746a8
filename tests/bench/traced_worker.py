"""`manage worker` that notes what it commits, and that no pace holds back: the bench measures what
the work costs.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from tests.faults.processes import end_with_parent

COMMITS, STATEMENTS = "commits", "statements"
_NO_PACE = 100_000  # calls in a second
_WRITES = ("INSERT", "UPDATE", "DELETE")


def count_of(folder: Path, what: str) -> int:
    """So many were noted by all workers so far."""
    return sum(path.stat().st_size for path in folder.glob(f"{what}-*"))


def main() -> None:
    end_with_parent()
    django.setup()
    from snapshots import clouds

    folder = Path(os.environ["EVSPORTAL_VAR"])
    count_transactions(_noting(folder, COMMITS), _noting(folder, STATEMENTS))
    config = clouds._sandbox_config()
    clouds._sandbox_config = lambda: replace(config, calls_per_second=_NO_PACE)
    execute_from_command_line(["manage.py", "worker"])


def count_transactions(
    on_commit: Callable[[], object], on_statement: Callable[[], object]
) -> Callable[[], None]:
    """Calls `on_commit` for each COMMIT, and for each write that the database commits by itself.
    Returns what ends it.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.signals import connection_created

    commit = BaseDatabaseWrapper._commit

    def commit_and_note(connection):
        on_commit()
        return commit(connection)

    def note(execute, sql, params, many, context):
        on_statement()
        if not context["connection"].in_atomic_block and str(sql).startswith(_WRITES):
            on_commit()
        return execute(sql, params, many, context)

    def listen(connection, **_kwargs):
        if note not in connection.execute_wrappers:
            connection.execute_wrappers.append(note)

    def end():
        BaseDatabaseWrapper._commit = commit
        connection_created.disconnect(listen)

    BaseDatabaseWrapper._commit = commit_and_note
    connection_created.connect(listen, weak=False)
    return end


def _noting(folder: Path, what: str) -> Callable[[], object]:
    """A byte for each, so that others can count them at any time."""
    notes = (folder / f"{what}-{os.getpid()}").open("ab", buffering=0)
    return lambda: notes.write(b".")


if __name__ == "__main__":
    main()
