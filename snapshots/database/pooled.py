"""A connection of the pool that makes little of a restart of the PostgreSQL server.

Needs PostgreSQL's driver, which need not be installed.
"""

import time
from typing import Any, Self

import psycopg

# Those who wait for a connection get it this much later than the server is there.
_PAUSE_SECONDS = 0.2
MOST_SECONDS = 5.0  # then it is the pool's turn again, with growing pauses
# Of a server that ends, has crashed, or starts.
_AWAY_STATES = frozenset({"57P01", "57P02", "57P03"})
# The driver gives no SQLSTATE of a connection that was refused, only what the server says. One that
# says it in another language is asked again too: nothing but a delay. A server without free places
# is left to the pool's longer pauses: it has enough to do.
_REFUSALS = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "does not exist",
    "too many clients",
    "too many connections",
    "connection slots are reserved",
)
_HOST = "- host: "  # begins the line of each host where several were tried


def is_away(error: psycopg.OperationalError) -> bool:
    """Whether a server may be there in a moment: not each of them has refused this for good."""
    if error.sqlstate is not None:
        return error.sqlstate in _AWAY_STATES
    text = str(error)
    of_hosts = [line for line in text.splitlines() if line.startswith(_HOST)]
    return not all(any(phrase in part for phrase in _REFUSALS) for part in of_hosts or [text])


class PooledConnection(psycopg.Connection[Any]):
    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        """Try again at once and often: the pool itself would wait for a second, then two, four."""
        ends_at = time.monotonic() + MOST_SECONDS
        while True:
            try:
                return super().connect(conninfo, **kwargs)
            except psycopg.OperationalError as error:
                if not is_away(error) or time.monotonic() > ends_at:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        """The pool asks something of each connection before it gives it away. Where one is closed,
        the others that lie there are too: the pool would find them one by one, with pauses between.
        """
        try:
            return super().execute(*args, **kwargs)
        except psycopg.OperationalError:
            pool: Any = getattr(self, "_pool", None)
            if self.closed and pool is not None:
                pool.drain()
            raise
