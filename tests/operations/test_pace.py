"""After an outage the queue drains at the pace set for the cloud."""

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots import clouds
from snapshots.jobs.duties import start_duty
from snapshots.models import CloudHealth, Exchange, Operation, OperationState, Worker
from snapshots.sandbox import scenarios
from snapshots.worker import Loop

PACE = 10
SECONDS, MOST_SECONDS = 3.0, 60.0


@pytest.fixture
def paced(transactional_db, cloud, settings, tmp_path):
    """The same cloud, as an operator writes it down, with a pace of its own."""
    file = tmp_path / "clouds.yaml"
    file.write_text(
        f"""
        clouds:
          sandbox:
            region_name: {scenarios.REGION}
            auth:
              auth_url: {cloud.url}
              username: {scenarios.USERNAME}
              password: {scenarios.PASSWORD}
              user_domain_name: {scenarios.DOMAIN}
              project_name: {scenarios.PROJECT_NAME}
            evs: {{calls_per_second: {PACE}}}
        """
    )
    file.chmod(0o600)
    settings.EVSPORTAL_MODE, settings.EVSPORTAL_CLOUDS = "", str(file)
    clouds.forget()


@pytest.fixture
def an_hour_dark(paced, ask):
    """A thousand requests wait, each for its own volume, for a cloud that was away for an hour."""
    begun = timezone.now() - timedelta(hours=1)
    first = ask("reports")
    fields = [one.attname for one in Operation._meta.concrete_fields]
    same = {name: getattr(first, name) for name in fields} | {"due_at": begun, "asked_at": begun}
    Operation.objects.bulk_create(
        Operation(**same | {"id": uuid.uuid4(), "key": uuid.uuid4(), "volume_id": f"volume-{n}"})
        for n in range(1000)
    )
    CloudHealth.objects.create(cloud="sandbox", fails=9, failing_since=begun, retry_at=begun)
    start_duty("probe", "sandbox", due_at=begun)


def sent_and_seconds(*, least):
    """How many requests leave from the moment the cloud is back, and in how many seconds: in three,
    or in as many as a busy machine needs for the `least`.
    """
    loop = Loop()
    while CloudHealth.objects.get().retry_at:
        loop._turn()
    begun, before = time.monotonic(), Exchange.objects.count()
    seconds = sent = 0
    while seconds < SECONDS or sent < least:
        assert seconds < MOST_SECONDS, f"only {sent} left"
        loop._turn()
        time.sleep(0.005)
        sent, seconds = Exchange.objects.count() - before, time.monotonic() - begun
    loop._pool.shutdown(wait=True)
    return sent, seconds


def test_thousand_requests_keep_the_pace(an_hour_dark):
    sent, seconds = sent_and_seconds(least=0.2 * PACE * SECONDS + 1)
    assert sent <= PACE * seconds + 2
    assert Operation.objects.filter(state=OperationState.QUEUED).count() > 900


def test_workers_keep_the_pace_together(an_hour_dark):
    now = timezone.now()
    Worker.objects.create(name="another", started_at=now, seen_at=now)
    sent, seconds = sent_and_seconds(least=0.1 * PACE * SECONDS + 1)
    assert sent <= PACE * seconds / 2 + 2
