"""What charts are drawn with: axes, bars and lines as attributes, since the page allows no inline
styles. All positions are texts: no language may write them its own way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, log10

from snapshots.localized import figure

WIDTH, HEIGHT = 320, 180  # of a phone's screen, so that its text can be read there
LEFT, RIGHT, TOP, BOTTOM = 60, 8, 10, 26
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
TICKS = 4  # at most so many steps on the axis


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `label` says what it is when one points at it."""

    css: str
    x: str
    y: str
    width: str
    height: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at the axis, or within the plot."""

    x: str
    y: str
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, `x,y x,y`."""

    css: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its words, and the table that says the same in figures."""

    name: str  # of its elements
    title: str
    description: str  # the main point in a sentence
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]  # the first cell names the row
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    grid: Sequence[str] = ()  # heights of the lines across
    legend: Sequence[tuple[str, str]] = ()  # a style and its words
    unit: str = ""  # of the upright axis
    height: str = str(HEIGHT)

    width: str = field(default=str(WIDTH), init=False)
    left: str = field(default=str(LEFT), init=False)
    right: str = field(default=str(WIDTH - RIGHT), init=False)

    @property
    def is_drawn(self) -> bool:
        return bool(self.bars or self.lines)


@dataclass(frozen=True, slots=True)
class Axis:
    """The upright axis: from 0 to `top`, with a line across at each step."""

    top: float
    step: float

    def y(self, value: float) -> float:
        return TOP + INNER_HEIGHT * (1 - value / self.top)

    def values(self) -> list[float]:
        return [self.step * number for number in range(round(self.top / self.step) + 1)]

    def grid(self) -> list[str]:
        return [at(self.y(value)) for value in self.values()]

    def marks(self) -> list[Mark]:
        return [
            Mark(str(LEFT - 6), at(self.y(value) + 4), _figure(value), "end")
            for value in self.values()
        ]


def _figure(value: float) -> str:
    digits = 0 if value == round(value) else len(f"{value:.10g}".partition(".")[2])
    return figure(value, digits)


def axis_for(values: Iterable[float], *, whole: bool = True) -> Axis:
    """Steps of 1, 2 or 5 times a power of ten; `whole`: of no less than 1."""
    most = max(values, default=0) or 1
    rough = most / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    return Axis(step * -(-most // step), step)


def at(value: float) -> str:
    """A position, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
