"""A small plot of bars: places and sizes by number, since styles in the page are blocked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from snapshots.questions.figures import Week

PITCH, BAR = 10, 8  # from one bar to the next; the bar itself
HEIGHT = 60
LEAST = 2  # what is there is seen


@dataclass(frozen=True, slots=True)
class Bar:
    """A week as it is drawn and told: all texts, since a page has 26 of them for each question."""

    x: str
    y: str
    height: str
    week: str
    hits: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What the template draws: the oldest week first, the highest bar filling the height."""

    bars: tuple[Bar, ...]
    most: Bar | None  # the week with the most; None: all are empty
    width: str
    height: str = str(HEIGHT)
    bar_width: str = str(BAR)


def plot_of(weeks: Sequence[Week]) -> Plot:
    """Empty weeks have no bar, but their place and their words."""
    highest = max(range(len(weeks)), key=lambda number: weeks[number].hits)
    most = weeks[highest].hits
    bars = tuple(_bar(number, week, most) for number, week in enumerate(weeks))
    return Plot(bars, bars[highest] if most else None, str(PITCH * len(weeks)))


def _bar(number: int, week: Week, most: int) -> Bar:
    height = max(LEAST, round(HEIGHT * week.hits / most)) if week.hits else 0
    x = PITCH * number + (PITCH - BAR) // 2
    return Bar(str(x), str(HEIGHT - height), str(height), _day(week.first), f"{week.hits:,}")


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
