"""Which rows messages tell of."""

import pytest
from django.utils import timezone

from snapshots.jobs.broker.due import MOST_OF_A_CLOUD, due_operations
from snapshots.models import Volume
from tests import factories


@pytest.fixture
def queued(alice):
    """Operations on volumes of their own."""

    def queued(cloud, count=1):
        for number in range(count):
            volume = Volume(cloud=cloud, volume_id=f"{number}", name="disk")
            factories.operation(alice, volume, due_at=timezone.now())

    return queued


def lanes(clouds):
    return [due.notice.lane for due in due_operations(clouds)]


def test_long_line_of_a_slow_cloud_hides_no_other(queued):
    queued("slow", MOST_OF_A_CLOUD + 1)
    queued("b")
    assert lanes(["slow", "b"]) == ["slow", "b"] + ["slow"] * (MOST_OF_A_CLOUD - 1)


def test_nothing_is_told_of_clouds_that_were_not_named(queued):
    queued("removed")
    queued("b")
    assert lanes(["b"]) == ["b"]
