"""A connection of the pool that makes little of a restart of the PostgreSQL server.

Needs PostgreSQL's driver, which need not be installed.
"""

import time
from typing import Any, Self

import psycopg

# Those who wait for a connection get it this much later than the server is there.
_PAUSE_SECONDS = 0.2
_MOST_SECONDS = 5.0  # then it is the pool's turn again, with growing pauses


class PooledConnection(psycopg.Connection[Any]):
    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        """Try again at once and often: the pool itself would wait for a second, then two, four."""
        ends_at = time.monotonic() + _MOST_SECONDS
        while True:
            try:
                return super().connect(conninfo, **kwargs)
            except psycopg.OperationalError:
                if time.monotonic() > ends_at:
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
