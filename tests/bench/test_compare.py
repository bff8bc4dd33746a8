"""Saying what got worse between two runs of the bench."""

from dataclasses import replace

from tests.bench.compare import changes, table
from tests.bench.figures import Figure, plain

BEFORE = [
    Figure("start", 2.0, "s"),
    Figure("the list", 90.0, "ms", p50=20.0),
    Figure("memory", 50.0, "MB"),
]


def test_slower_page_is_named_with_both_medians():
    now = [BEFORE[0], replace(BEFORE[1], value=80.0, p50=30.0), BEFORE[2]]
    lines = table(changes(plain(BEFORE), plain(now))).splitlines()
    assert [line.split() for line in lines[2:]] == [["the", "list", "20.00", "30.00"]]


def test_worst_change_comes_first():
    now = [replace(BEFORE[0], value=3.0), BEFORE[1], replace(BEFORE[2], value=200.0)]
    assert [each.name for each in changes(plain(BEFORE), plain(now))][:2] == ["memory", "start"]


def test_small_change_is_noise():
    now = [replace(BEFORE[0], value=2.1), *BEFORE[1:]]
    assert "None of 3 figures got worse" in table(changes(plain(BEFORE), plain(now)))


def test_figures_of_one_run_alone_are_left_out():
    assert [each.name for each in changes(plain(BEFORE[:1]), plain(BEFORE))] == ["start"]


def test_start_and_way_of_request_are_compared():
    before = {"figures": {"submit, ms": 20.0}, "ratios": {"submit / healthz": 10.0}}
    now = {"figures": {"submit, ms": 40.0}, "ratios": {"submit / healthz": 10.0}}
    assert [each.is_worse for each in changes(before, now)] == [True, False]


def test_rate_gets_worse_when_it_falls():
    rate = Figure("operations in a second", 20.0, "", more_is_better=True)
    fallen, risen = replace(rate, value=15.0), replace(rate, value=25.0)
    assert [
        change.is_worse
        for now in (fallen, risen)
        for change in changes(plain([rate]), plain([now]))
    ] == [True, False]
