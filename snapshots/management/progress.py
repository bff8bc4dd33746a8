"""A line of progress on a terminal; nothing where the output goes to a file or a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

_WIDTH = 30
_PAUSE_SECONDS = 0.1


class Progress:
    """Steps, each with a bar of its own where its end is known."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._drawn_at = 0.0

    @contextmanager
    def step(
        self, label: str, total: int = 0, *, unit: str = "MB"
    ) -> Iterator[Callable[[int], None]]:
        """Give the step a function for how many more are done: bytes, unless of another unit."""
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self._draw(label, done, total, unit)

        self._drawn_at = 0.0
        self._draw(label, 0, total, unit)
        yield advance
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self, label: str, done: int, total: int, unit: str) -> None:
        if not self._is_terminal or time.monotonic() - self._drawn_at < _PAUSE_SECONDS:
            return
        self._drawn_at = time.monotonic()
        share = min(1.0, done / total) if total else 0.0
        bar = "#" * round(share * _WIDTH)
        amount = done / 1e6 if unit == "MB" else done
        text = f"[{bar:<{_WIDTH}}] {share:4.0%} {amount:,.0f} {unit}" if total else "..."
        self._stream.write(f"\r{label:<20} {text}\x1b[K")
        self._stream.flush()
