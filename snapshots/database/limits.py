"""How long a statement, a lock and an idle transaction may take in web and worker."""

from importlib import import_module

from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from snapshots.database import lost
from snapshots.database.in_use import share_database

STATEMENT_SECONDS = 30
# A process suspended within a transaction loses its locks after this time.
SILENT_TRANSACTION_SECONDS = 3
LOCK_SECONDS = 10  # longer, so that who waits for such a process goes on when it is ended


# The pool has a connection for each thread, so that no thread waits for another. All wait so long
# for a server that is started again.
_POOL = {"min_size": 1, "max_size": 100, "timeout": 5}


def bound_connections() -> None:
    """Pool this process's PostgreSQL connections, and limit each of them; say that it uses the
    database.

    Only web and worker call this: a command such as `audit_archive` uses a single connection, and a
    statement of it may take minutes. The limits are sent when a connection is made. A pooler in
    transaction mode drops them, so behind such a pooler they belong to the database's roles
    (docs/postgresql.md).
    """
    share_database()
    if connection.vendor != "postgresql":
        return
    connection.close()  # it was made without
    options = connections.settings["default"]["OPTIONS"]
    pooled = import_module("snapshots.database.pooled")  # it needs PostgreSQL's driver
    options["pool"] = _POOL | {"connection_class": pooled.PooledConnection}
    lost.watch()
    if not settings.EVSPORTAL_DATABASE_POOLER:
        limits = {
            "statement_timeout": STATEMENT_SECONDS,
            "lock_timeout": LOCK_SECONDS,
            "idle_in_transaction_session_timeout": SILENT_TRANSACTION_SECONDS,
        }
        options["options"] = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())


def has_pooler(database: BaseDatabaseWrapper | None = None) -> bool:
    """Whether a pooler stands between us and the PostgreSQL server: it hides the server's pid.
    Asks over the connection `database`, or over this thread's.
    """
    asked = database or connection
    if asked.vendor != "postgresql":
        return False
    with asked.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone()[0] != asked.connection.info.backend_pid)
