"""How a program tells its parent that it is ready: a byte on a pipe. Knows nothing of Django."""

import contextlib
import os

READY_FD = "SUPERVISOR_READY_FD"


def announce_ready() -> None:
    """Tell a waiting parent process that this one is ready; the second call does nothing."""
    number = os.environ.pop(READY_FD, "")  # a later program in this process must not find it
    if number:
        with contextlib.suppress(OSError):
            os.write(int(number), b"1")
            os.close(int(number))
