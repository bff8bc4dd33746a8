"""At most two passwords are hashed at a time in one process; the third request is answered 429.

Hashing takes a good part of a second of a core. Without a bound, a hundred wrong sign-ins keep all
threads of the web server busy, and a queue in front of the bound would keep them busy too. So
nothing waits here: the third gets `TryLaterError` at once.

The hashers themselves are bounded, so nothing can be forgotten: sign-ins, the hash that is made for
a name that nobody has, changed passwords and those that administrators set.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BasePasswordHasher,
    PBKDF2PasswordHasher,
)

from snapshots.sign_in.errors import TryLaterError

MOST_AT_ONCE = 2
BUSY_SECONDS = 2
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)
_held = threading.local()


@contextmanager
def hashing_slot() -> Iterator[None]:
    """Hold one of the slots. A thread that holds one already goes on with it, so a sign-in that
    has begun also ends. Raises `TryLaterError` when all are taken.
    """
    if getattr(_held, "is_held", False):
        yield
        return
    if not _slots.acquire(blocking=False):
        raise TryLaterError(BUSY_SECONDS, is_busy=True)
    _held.is_held = True
    try:
        yield
    finally:
        _held.is_held = False
        _slots.release()


class _Bounded(BasePasswordHasher):
    """Every way into a hasher passes the bound."""

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        with hashing_slot():
            return super().encode(*args, **kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> Any:
        with hashing_slot():
            return super().verify(*args, **kwargs)

    def harden_runtime(self, *args: Any, **kwargs: Any) -> Any:
        with hashing_slot():
            return super().harden_runtime(*args, **kwargs)


class BoundedArgon2(_Bounded, Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane, as OWASP's password storage sheet names them.

    Django's own parameters take 100 MiB for each hash: two at a time in each of several web
    processes are more than the rest of the portal needs.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


class BoundedPBKDF2(_Bounded, PBKDF2PasswordHasher):
    """For hashes of earlier releases; a sign-in replaces them."""
