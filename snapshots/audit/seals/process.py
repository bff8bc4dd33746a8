"""How a process begins that verifies a part. Imports no tables: it is what makes them ready."""

import multiprocessing
import os
import threading

import django


def begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    """Whoever was killed puts nothing more into the queue, and nobody else would say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
