"""A transaction of another thread that stands still, and work that waits for nobody's lock."""

import threading
from contextlib import closing, contextmanager

from django.db import connection, transaction


@contextmanager
def another_transaction(work):
    """Another thread has done `work`, and ends its transaction only after the block."""
    done, over = threading.Event(), threading.Event()

    def stand_still():
        with closing(connection), transaction.atomic():
            work()
            done.set()
            over.wait(10)

    thread = threading.Thread(target=stand_still)
    thread.start()
    try:
        assert done.wait(10)
        yield
    finally:
        over.set()
        thread.join(10)


def at_once(work):
    """Do it without waiting for any lock. Raises OperationalError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        work()
