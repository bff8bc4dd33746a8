"""The figures of a run beside their goals as SVG, drawn by attributes."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, ROW, TOP, BOTTOM = 760, 30, 64, 20
NAMES, VALUES = 330, 130  # of the width
MOST_GOALS = 3.0  # a bar that is longer is cut there
GOOD, BAD, INK, LINE = "#0b7a4b", "#b44d12", "#1f2933", "#52606d"


def bar_plot(title: str, figures: Sequence[Mapping[str, Any]]) -> str:
    """A bar for each figure that has a goal, in goals: the line across is all that is asked for.
    The figures are as `--json` writes them.
    """
    measured = [figure for figure in figures if figure["limit"] is not None]
    height = TOP + ROW * len(measured) + BOTTOM
    goal = _x(1.0)
    parts = [
        _text(12, 24, title, size=15),
        _text(goal, TOP - 12, "goal", anchor="middle"),
        *(part for number, figure in enumerate(measured) for part in _row(number, figure)),
        f'<path d="M{goal:.1f} {TOP - 6}V{height - BOTTOM + 6}" stroke="{LINE}" stroke-width="2"/>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _row(number: int, figure: Mapping[str, Any]) -> list[str]:
    y = TOP + ROW * number
    goals = figure["value"] / figure["limit"] if figure["limit"] else MOST_GOALS
    end = _x(min(goals, MOST_GOALS))
    colour = GOOD if figure["passes"] else BAD
    sign = "≥" if figure["more_is_better"] else "≤"
    unit = f" {figure['unit']}".rstrip()
    value = f"{figure['value']:.3g}{unit} ({sign} {figure['limit']:g})"
    size = f'width="{end - NAMES:.1f}" height="{ROW - 12}"'
    return [
        _text(NAMES - 8, y + 19, figure["name"], anchor="end", size=11),
        f'<rect x="{NAMES}" y="{y + 6}" {size} fill="{colour}"/>',
        _text(WIDTH - VALUES + 8, y + 19, value, size=11),
    ]


def _x(goals: float) -> float:
    return NAMES + (WIDTH - NAMES - VALUES) * goals / MOST_GOALS


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}"'
        f' font-family="sans-serif" font-size="{size}">{escape(text)}</text>'
    )
