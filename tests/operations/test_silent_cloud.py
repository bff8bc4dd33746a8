"""A cloud that takes calls and answers none: seen while the calls still hang."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from snapshots import clouds
from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_failed
from snapshots.evs.errors import EvsError
from snapshots.models import CloudHealth, Exchange, Purpose
from snapshots.sandbox.messages import Delivery
from snapshots.sandbox.troubles import PlannedFault
from snapshots.selectors.portal import portal_state
from tests import factories as scene
from tests.waiting import until

HOLD = PlannedFault(times=9, method="GET", path=".*volumes.*", delivery=Delivery.NEVER)


@pytest.fixture
def hanging_call(transactional_db, cloud, settings):
    """A list call that the sandbox holds until the test is over."""
    settings.EVSPORTAL_READ_SECONDS = settings.EVSPORTAL_DEADLINE_SECONDS = 60
    clouds.forget()
    CloudHealth.objects.create(cloud="sandbox", answered_at=timezone.now())
    cloud.plan_fault(HOLD)
    thread = threading.Thread(target=_read_volumes, daemon=True)
    thread.start()
    until(lambda: Exchange.objects.filter(purpose=Purpose.INVENTORY).exists())
    yield
    thread.join(timeout=20)


def _read_volumes():
    try:
        client_for_portal("sandbox", Purpose.INVENTORY).list_volumes()
    except EvsError:
        pass
    finally:
        connection.close()


def test_hanging_cloud_is_told_after_half_a_minute(hanging_call):
    left_at = Exchange.objects.filter(purpose=Purpose.INVENTORY).earliest("seq").at
    assert portal_state(now=left_at + timedelta(seconds=29)).silent == []
    (silence,) = portal_state(now=left_at + timedelta(seconds=31)).silent
    assert (silence.cloud, silence.since) == ("sandbox", left_at)


def test_cloud_has_failed_since_the_call_left_that_timed_out(transactional_db, cloud):
    cloud.plan_fault(HOLD)
    with pytest.raises(EvsError) as failure:
        client_for_portal("sandbox", Purpose.INVENTORY).list_volumes()
    cloud_failed("sandbox", failure.value)
    silent = Exchange.objects.filter(answer__isnull=False, answer__status=None)
    assert CloudHealth.objects.get().failing_since == silent.earliest("seq").at


def test_answering_cloud_is_not_told(alice, transactional_db):
    now = timezone.now()
    CloudHealth.objects.create(cloud="sandbox", answered_at=now - timedelta(minutes=5))
    scene.exchange(at=now - timedelta(seconds=50), status=-1)  # hangs, while later calls do not
    scene.exchange(at=now - timedelta(seconds=20))
    assert portal_state(now=now).silent == []


def test_call_of_a_killed_worker_says_nothing(alice, transactional_db):
    now = timezone.now()
    CloudHealth.objects.create(cloud="sandbox", answered_at=now - timedelta(hours=2))
    scene.exchange(at=now - timedelta(hours=1), status=-1)
    assert portal_state(now=now).silent == []
