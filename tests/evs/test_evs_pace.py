"""The rate of calls, for all threads of a process."""

import pytest

from snapshots.evs.connection import Pacer


def times(pacer, hand, calls):
    times = []
    for _ in range(calls):
        pacer.wait()
        times.append(hand.seconds - 1000)
    return times


def test_calls_are_spread_evenly(hand):
    assert times(Pacer(5, clock=hand.clock), hand, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_an_idle_hour_saves_nothing_up(hand):
    pacer = Pacer(5, clock=hand.clock)
    pacer.wait()
    hand.seconds += 3600
    assert times(pacer, hand, 3) == pytest.approx([3600, 3600.2, 3600.4])


def test_processes_share_the_rate(hand):
    pacer = Pacer(5, clock=hand.clock)
    pacer.share(2)
    assert times(pacer, hand, 3) == pytest.approx([0, 0.4, 0.8])
    pacer.share(1)
    assert times(pacer, hand, 2) == pytest.approx([1.2, 1.4])


def test_a_rate_of_zero_means_no_pacing(hand):
    assert times(Pacer(0, clock=hand.clock), hand, 9) == [0] * 9
