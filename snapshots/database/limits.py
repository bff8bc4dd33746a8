"""How long a statement, a lock and a silent transaction may take in web and worker."""

from django.conf import settings
from django.db import connection, connections

STATEMENT_SECONDS = 30
# A process that was suspended within a transaction keeps its locks no longer than this.
SILENT_TRANSACTION_SECONDS = 5
LOCK_SECONDS = 10  # longer, so that who waits for such a process goes on when it is ended


def bound_connections() -> None:
    """Bound what this process's PostgreSQL connections may take, from its next one on.

    For web and worker: a command such as `audit_archive` may take minutes for one statement. The
    limits go along when a connection is made; a pooler in transaction mode takes none, so behind
    one they belong to the database's roles (docs/postgresql.md).
    """
    if connection.vendor != "postgresql" or settings.EVSPORTAL_DATABASE_POOLER:
        return
    limits = {
        "statement_timeout": STATEMENT_SECONDS,
        "lock_timeout": LOCK_SECONDS,
        "idle_in_transaction_session_timeout": SILENT_TRANSACTION_SECONDS,
    }
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's; its connections are unbound


def has_pooler() -> bool:
    """Whether a pooler stands between us and the PostgreSQL server: it hides the server's pid."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone()[0] != connection.connection.info.backend_pid)
