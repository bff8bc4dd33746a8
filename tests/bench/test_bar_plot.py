"""The figures of a run, drawn beside their goals."""

import xml.etree.ElementTree as ET

from tests.bench.bar_plot import BAD, GOOD, bar_plot
from tests.bench.figures import Figure, plain

FAST = Figure("rate of 2 workers", 3.2, "", 1.6, more_is_better=True)
SLOW = Figure("rate of <1> worker", 0.2, "", 0.4, more_is_better=True)
CHEAP = Figure("worker CPU", 12.5, "ms", 25)
WITHOUT_GOAL = Figure("statements", 51, "")


def _bars(*figures):
    drawing = ET.fromstring(bar_plot("work", plain(figures)))
    rectangles = drawing.findall("{http://www.w3.org/2000/svg}rect")[1:]  # behind the paper
    return [(each.get("fill"), float(each.get("width"))) for each in rectangles]


def test_bars_are_as_long_as_goals_are_met():
    (_, fast), (_, slow), (_, cheap) = _bars(FAST, SLOW, CHEAP)
    assert (fast, slow) == (cheap * 4, cheap)


def test_colour_says_whether_the_goal_is_met():
    assert [colour for colour, _ in _bars(FAST, SLOW, CHEAP)] == [GOOD, BAD, GOOD]


def test_figure_without_a_goal_is_left_out():
    assert len(_bars(CHEAP, WITHOUT_GOAL)) == 1


def test_bar_that_is_too_long_is_cut():
    (_, long), (_, longer) = _bars(Figure("a", 1000, "s", 1), Figure("b", 2000, "s", 1))
    assert long == longer
