"""A small plot of bars, drawn by attributes: the page allows no inline styles."""

from collections.abc import Sequence
from dataclasses import dataclass

from snapshots.localized import day
from snapshots.questions.figures import Week, count_text

PITCH, BAR = 10, 8  # from one bar to the next; the bar itself
HEIGHT = 60
LEAST_HEIGHT = 2  # so that a bar of few rows is visible


@dataclass(frozen=True, slots=True)
class Bar:
    """A week as the template draws and names it: all texts, since a page has 26 per question."""

    x: str
    y: str
    height: str
    week: str
    count: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What the template draws: the oldest week first, the highest bar filling the height."""

    bars: tuple[Bar, ...]
    most: Bar | None  # the week with the most; None: all are empty
    width: str
    height: str = str(HEIGHT)
    bar_width: str = str(BAR)


def plot_of(weeks: Sequence[Week]) -> Plot:
    """An empty week has no bar, but its space and its number."""
    highest = max(range(len(weeks)), key=lambda number: weeks[number].count)
    most = weeks[highest].count
    bars = tuple(_bar(number, week, most) for number, week in enumerate(weeks))
    return Plot(bars, bars[highest] if most else None, str(PITCH * len(weeks)))


def _bar(number: int, week: Week, most: int) -> Bar:
    height = max(LEAST_HEIGHT, round(HEIGHT * week.count / most)) if week.count else 0
    x = PITCH * number + (PITCH - BAR) // 2
    first = day(week.first)
    return Bar(str(x), str(HEIGHT - height), str(height), first, count_text(week.count))
