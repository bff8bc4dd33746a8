"""Waiting for what another process does, never longer than it takes."""

import time


def until(condition, seconds=5):
    """The condition's first true answer."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while not (answer := condition()):
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(pause)
        pause = min(2 * pause, 0.05)  # asking must not take the processor from what is waited for
    return answer
