"""A small plot of bars: places and sizes by number, since styles in the page are blocked."""

from collections.abc import Sequence
from dataclasses import dataclass

from snapshots.selectors.questions import Week

PITCH, BAR = 10, 8  # from one bar to the next; the bar itself
HEIGHT = 60
LEAST = 2  # what is there is seen


@dataclass(frozen=True, slots=True)
class Bar:
    week: Week
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Plot:
    """What the template draws."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    most: Week  # the week with the most

    @property
    def has_any(self) -> bool:
        return self.most.hits > 0


def plot_of(weeks: Sequence[Week]) -> Plot:
    """The highest bar fills the height; of nothing there are no bars."""
    most = max(weeks, key=lambda week: week.hits)
    bars = tuple(_bar(number, week, most.hits) for number, week in enumerate(weeks))
    return Plot(bars, PITCH * len(weeks), HEIGHT, most)


def _bar(number: int, week: Week, most: int) -> Bar:
    height = max(LEAST, round(HEIGHT * week.hits / most)) if week.hits else 0
    return Bar(week, PITCH * number + (PITCH - BAR) // 2, HEIGHT - height, height)
