"""A plot as SVG by hand: which share of the operations had settled after how many seconds."""

import math
from html import escape

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 60, 60
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2933; }
  .title { font-size: 16px; font-weight: 600; }
  .grid { stroke: #cbd2d9; stroke-width: 1; }
  .axis { stroke: #52606d; stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; }
  .a { stroke: #0967d2; } .b { stroke: #b44d12; stroke-dasharray: 7 4; }
  .paper { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e7eb; } .paper { fill: #1f2933; } .grid { stroke: #3e4c59; }
    .axis { stroke: #9aa5b1; } .a { stroke: #69b1ff; } .b { stroke: #ffa269; }
  }
"""


def plot(curves: dict[str, list[float]], *, title: str) -> str:
    """The cumulative curves, seconds on a logarithmic axis."""
    everything = [max(value, 0.01) for values in curves.values() for value in values] or [1.0]
    low = 10 ** math.floor(math.log10(min(everything)))
    high = max(10 ** math.ceil(math.log10(max(everything))), low * 10)

    def x(seconds: float) -> float:
        share = math.log(max(seconds, low) / low) / math.log(high / low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*_frame(low, high, x, y), *_curves(curves, x, y)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/>',
            f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def _frame(low, high, x, y) -> list[str]:
    bottom, parts = y(0), []
    for percent in (0, 25, 50, 75, 100):
        at = y(percent / 100)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
        )
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{percent} %</text>')
    value = low
    while value <= high * 1.001:
        at = x(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>')
        value *= 10
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>')
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    words = "seconds from sending to the final state (logarithmic)"
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 14}" text-anchor="middle">{words}</text>')
    parts.append(
        f'<text transform="translate(18 {(y(0) + y(1)) / 2}) rotate(-90)" text-anchor="middle">'
        "operations settled</text>"
    )
    return parts


def _curves(curves: dict[str, list[float]], x, y) -> list[str]:
    parts = []
    for number, (name, values) in enumerate(curves.items()):
        style, left = "ab"[number % 2], _LEFT + number * 320
        parts.append(
            f'<line class="line {style}" x1="{left}" x2="{left + 30}" y1="42" y2="42"/>'
            f'<text x="{left + 38}" y="46">{escape(name)} ({len(values)})</text>'
        )
        points = [f"{x(at):.1f},{y(share):.1f}" for at, share in _steps(sorted(values))]
        parts.append(f'<polyline class="line {style}" points="{" ".join(points)}"/>')
    return parts


def _steps(values: list[float]) -> list[tuple[float, float]]:
    """At most some 200 points are enough for a curve."""
    every = max(1, len(values) // 200)
    kept = [
        (value, (number + 1) / len(values))
        for number, value in enumerate(values)
        if number % every == 0 or number == len(values) - 1
    ]
    return [(values[0], 0.0), *kept] if values else []
