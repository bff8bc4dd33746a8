"""The cache of a process goes by a clock that nobody sets."""

import time

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _empty():
    cache.clear()


@pytest.mark.parametrize("set_by", [-3600, 3600])
def test_answer_holds_as_long_whatever_clocks_say(monkeypatch, set_by):
    now, steady = time.time(), time.monotonic()
    cache.set("answer", 1, 60)
    monkeypatch.setattr(time, "time", lambda: now + set_by)
    assert cache.get("answer") == 1
    monkeypatch.setattr(time, "monotonic", lambda: steady + 61)
    assert cache.get("answer") is None


def test_answer_may_hold_for_ever_or_not_at_all():
    cache.set("ever", 1, None)
    cache.set("never", 1, 0)
    assert cache.get_many(["ever", "never", "other"]) == {"ever": 1}
