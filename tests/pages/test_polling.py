"""What sets the pace of an open page; `pace.js` makes seconds of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.templatetags.live import Pace, pace_of
from tests import factories as scene


@pytest.mark.parametrize(
    ("state", "is_open", "is_soon"),
    [
        ("queued", True, True),
        ("sending", True, True),
        ("accepted", True, False),
        ("unknown", True, False),
        ("succeeded", False, False),
        ("cancelled", False, False),
    ],
)
def test_the_state_says_whether_a_page_asks_often(alice, volume, state, is_open, is_soon):
    operation = scene.operation(alice.user, volume, state=state)
    pace = pace_of([operation])
    assert (pace.is_open, pace.is_soon) == (is_open, is_soon)


def test_the_one_that_changed_last_sets_the_pace(alice, volume):
    other = scene.volume("other", granted_to=alice.user)
    old = scene.operation(alice.user, volume, state="accepted")
    new = scene.operation(alice.user, other, state="queued")
    old.state_at = timezone.now() - timedelta(hours=1)
    new.state_at = timezone.now()
    assert pace_of([old, new]) == Pace(new.state_at, is_soon=True)
