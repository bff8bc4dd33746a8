"""Waiting for what another process does, never longer than it takes."""

import time


def until(condition, seconds=5):
    """The condition's first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.005)
    return answer
