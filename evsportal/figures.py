"""What the processes of a web server count: answers by view, with how long they took, and refusals.

The processes of one server share memory that was there before they were forked, so that whichever
of them is asked knows the figures of all. Each adds to a part of its own; the process that takes
the place of a dead one goes on with its part. Nothing is left behind in files. Knows no Django.
"""

import mmap
import threading
from bisect import bisect_left
from collections.abc import Sequence

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
MOST_NAMES = 256  # of views, and of refusals; others are counted as the last
_BUCKETS = len(BOUNDS) + 1
_WIDTH = _BUCKETS + 1 + len(STATUSES)  # buckets, seconds, answers by status
_DOUBLE = 8


class Counted:
    """Rows of numbers, a part for each process. `add` and `total` take a row's number."""

    def __init__(self, *, rows: int, width: int, parts: int) -> None:
        self._rows, self._width, self._parts = rows, width, parts
        self._cells = memoryview(mmap.mmap(-1, rows * width * parts * _DOUBLE)).cast("d")
        self._lock = threading.Lock()
        self._first = 0

    def take_part(self, part: int) -> None:
        """From now on the process adds to that part, and no other living one does."""
        self._lock = threading.Lock()  # a thread of the parent may have held the other
        self._first = part * self._rows * self._width

    def add(self, row: int, amounts: Sequence[tuple[int, float]]) -> None:
        """Add amounts to columns of a row."""
        start = self._first + min(row, self._rows - 1) * self._width
        with self._lock:
            for column, amount in amounts:
                self._cells[start + column] += amount

    def total(self, row: int) -> list[float]:
        """The columns of a row, of all parts."""
        size, start = self._rows * self._width, row * self._width
        parts = [self._cells[part * size + start :][: self._width] for part in range(self._parts)]
        return [sum(column) for column in zip(*parts, strict=True)]


class Figures:
    """The figures of one web server, of all its processes."""

    def __init__(self, *, parts: int = 1) -> None:
        self.parts = parts
        self._answers = Counted(rows=MOST_NAMES, width=_WIDTH, parts=parts)
        self._refusals = Counted(rows=MOST_NAMES, width=1, parts=parts)

    def take_part(self, part: int) -> None:
        self._answers.take_part(part)
        self._refusals.take_part(part)

    def answered(self, view: int, *, status: int, seconds: float) -> None:
        """Count an answer of the view with this number."""
        kind = min(max(status // 100, 1), len(STATUSES)) - 1
        bucket = bisect_left(BOUNDS, seconds)
        columns = ((bucket, 1), (_BUCKETS, seconds), (_BUCKETS + 1 + kind, 1))
        self._answers.add(view, columns)

    def refused(self, code: int) -> None:
        self._refusals.add(code, ((0, 1),))

    def answers_of(self, view: int) -> tuple[list[float], float, dict[str, float]]:
        """How many took as long as each bucket says, the seconds of all, how many by status."""
        total = self._answers.total(view)
        by_status = dict(zip(STATUSES, total[_BUCKETS + 1 :], strict=True))
        return total[:_BUCKETS], total[_BUCKETS], by_status

    def refusals_of(self, code: int) -> float:
        return self._refusals.total(code)[0]


class _Server:
    figures = Figures()


def of_server() -> Figures:
    """The figures of the server that this process belongs to."""
    return _Server.figures


def allot(processes: int) -> Figures:
    """Make room for so many processes, before any is forked; while they are replaced, for twice as
    many.
    """
    _Server.figures = Figures(parts=2 * processes + 1)
    return _Server.figures
