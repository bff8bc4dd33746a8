"""Whether a measurement keeps what was promised."""

import pytest

from tests.bench.figures import Figure, table_of


@pytest.mark.parametrize(("value", "passes"), [(0.5, True), (0.4, True), (0.3, False)])
def test_rate_must_reach_its_goal(value, passes):
    assert Figure("rate", value, "", 0.4, more_is_better=True).passes is passes


@pytest.mark.parametrize(("value", "passes"), [(20, True), (25, True), (26, False)])
def test_cost_must_stay_below_its_goal(value, passes):
    assert Figure("cost", value, "ms", 25).passes is passes


def test_table_tells_a_least_from_a_most():
    table = table_of([Figure("rate", 0.5, "", 0.4, more_is_better=True), Figure("cost", 1, "", 2)])
    assert ["≥" in line for line in table.splitlines()[-2:]] == [True, False]
