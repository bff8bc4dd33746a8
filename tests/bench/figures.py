"""What was measured, what it may be, and the table of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

MOST_QUERIES = 12
MOST_RATIO = 1.3
FLOOR_MS = 25  # a page that is faster than this may take any multiple of its time with few rows


@dataclass(frozen=True)
class Figure:
    """One measurement. Of a page, `value` is the 95th percentile of its milliseconds."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    p50: float | None = None
    few_p50: float | None = None  # of the same page with a trail of 10,000 exchanges
    rows: int | None = None  # of tables on the page, the head among them
    few_rows: int | None = None  # on the page it is compared with: fewer take less to write
    queries: int | None = None
    most_queries: int = MOST_QUERIES
    is_level: bool = True  # promised to take no longer with more rows than with few
    more_is_better: bool = False  # then the limit is the least that it may be

    @property
    def ratio(self) -> float | None:
        return self.p50 / self.few_p50 if self.p50 and self.few_p50 else None

    @property
    def passes(self) -> bool | None:
        """None: nothing was promised."""
        if self.limit is None:
            return None
        if self.more_is_better:
            return self.value >= self.limit
        return self.value <= self.limit and self._is_lean and self._keeps_pace

    @property
    def _is_lean(self) -> bool:
        return self.queries is None or self.queries <= self.most_queries

    @property
    def _keeps_pace(self) -> bool:
        may_grow = not self.is_level or self.ratio is None or (self.p50 or 0) <= FLOOR_MS
        return may_grow or (self.ratio or 0) <= MOST_RATIO

    @property
    def word(self) -> str:
        return {True: "pass", False: "FAIL", None: ""}[self.passes]


def table_of(figures: Iterable[Figure]) -> str:
    """Of pages and of everything else, as text."""
    told = list(figures)
    lines = [
        f"\n{'page':<42}{'p50':>8}{'p95':>8}{'queries':>9}{'ratio':>7}{'rows':>9}{'limit':>9}\n"
    ]
    lines += [_page(one) for one in told if one.p50 is not None]
    lines += [f"\n{'what':<56}{'':>10}{'limit':>11}\n"]
    lines += [_other(one) for one in told if one.p50 is None]
    return "".join(lines)


def _page(one: Figure) -> str:
    ratio = f"{one.ratio:.2f}" if one.ratio else ""
    rows = f"{one.rows}/{one.few_rows}"
    figures = f"{one.p50:>8.1f}{one.value:>8.1f}{one.queries:>9}{ratio:>7}{rows:>9}"
    return f"{one.name:<42}{figures}{one.limit:>6.0f} ms  {one.word}\n"


def _other(one: Figure) -> str:
    sign = "≥ " if one.more_is_better else ""
    limit = "" if one.limit is None else f"{sign}{one.limit:g} {one.unit}"
    return f"{one.name:<56}{one.value:>10.2f} {one.unit:<4}{limit:>6}  {one.word}\n"


def plain(figures: Iterable[Figure]) -> list[dict[str, object]]:
    return [asdict(one) | {"ratio": one.ratio, "passes": one.passes} for one in figures]
