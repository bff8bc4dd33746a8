"""What a process keeps for some seconds, by a clock that is never set: Django's goes by the time of
day, and after that was set back by an hour, an answer of a second would hold for an hour.
"""

import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache


class SteadyCache(LocMemCache):
    """Django's cache in memory, of this process alone."""

    _expire_info: dict[str, float | None]

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float | None:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else time.monotonic() + seconds

    def _has_expired(self, key: str) -> bool:
        until = self._expire_info.get(key, float("-inf"))
        return until is not None and until <= time.monotonic()
