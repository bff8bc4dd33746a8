"""How often an open page asks again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.selectors.operations import poll_seconds
from tests import factories as scene


@pytest.mark.parametrize(
    ("state", "quiet_seconds", "expected"),
    [
        ("queued", 1, 0.5),
        ("sending", 4, 0.5),
        ("queued", 6, 1),
        ("accepted", 1, 1),
        ("accepted", 60, 10),
        ("unknown", 3600, 30),
        ("succeeded", 1, None),
        ("cancelled", 1, None),
    ],
)
def test_a_page_asks_less_often_the_longer_nothing_changes(
    alice, volume, state, quiet_seconds, expected
):
    operation = scene.operation(alice.user, volume, state=state)
    operation.state_at = timezone.now() - timedelta(seconds=quiet_seconds)
    assert poll_seconds([operation]) == expected


def test_the_one_that_changed_last_sets_the_pace(alice, volume):
    other = scene.volume("other", granted_to=alice.user)
    old = scene.operation(alice.user, volume, state="accepted")
    new = scene.operation(alice.user, other, state="queued")
    old.state_at = timezone.now() - timedelta(hours=1)
    new.state_at = timezone.now()
    assert poll_seconds([old, new]) == 0.5
