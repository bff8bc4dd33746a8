"""A plot of lines over time as SVG, drawn by attributes."""

from collections.abc import Mapping, Sequence
from html import escape

from snapshots.views.chart_parts import at, axis_for

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 58, 40
MOST_POINTS = 400
_COLOURS = ("#0967d2", "#b44d12", "#0b7a4b", "#7b3fb5", "#8a6d00")


def line_plot(
    hours: Sequence[float], lines: Mapping[str, Sequence[float]], *, title: str, unit: str
) -> str:
    """Each line has a value for each of the hours."""
    last = max(hours, default=1.0) or 1.0
    axis = axis_for((value for values in lines.values() for value in values), whole=False)

    def x(hour: float) -> str:
        return at(LEFT + (WIDTH - LEFT - RIGHT) * hour / last)

    def y(value: float) -> str:
        return at(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / axis.top))

    parts = [_text(LEFT, 20, title, size=15), _text(LEFT - 8, TOP - 8, unit, anchor="end")]
    for value in axis.values():
        parts.append(f'<path d="M{LEFT} {y(value)}H{WIDTH - RIGHT}" stroke="#cbd2d9"/>')
        parts.append(_text(LEFT - 8, float(y(value)) + 4, f"{value:g}", anchor="end"))
    parts += [
        _text(float(x(hour)), HEIGHT - BOTTOM + 18, f"{hour} h", anchor="middle")
        for hour in range(int(last) + 1)
    ]
    step = max(1, len(hours) // MOST_POINTS)
    for number, (name, values) in enumerate(lines.items()):
        colour, left = _COLOURS[number % len(_COLOURS)], LEFT + 140 * number
        pairs = zip(hours[::step], values[::step], strict=True)
        points = " ".join(f"{x(hour)},{y(value)}" for hour, value in pairs)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts.append(f'<path d="M{left} 36h22" stroke="{colour}" stroke-width="3"/>')
        parts.append(_text(left + 28, 40, name))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{at(x)}" y="{at(y)}" text-anchor="{anchor}" fill="#1f2933"'
        f' font-family="sans-serif" font-size="{size}">{escape(text)}</text>'
    )
