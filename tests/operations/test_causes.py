"""One click has one id: the page's action, the operation, and all that the worker sends for it, to
the cloud's own log.
"""

import uuid

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from snapshots.jobs.duties import SNAPSHOTS, start_duty
from snapshots.models import Action, ActionCode, Exchange, Operation, VolumeGrant


def test_exchanges_of_the_worker_have_the_click_id(loop, ask, alice):
    volume = ask().volume_id  # so that there is a volume; by nobody's click
    Operation.objects.all().update(state="cancelled", due_at=None)
    assert VolumeGrant.objects.filter(user=alice).exists()
    browser = Client()
    browser.force_login(User.objects.get(username="alice"))
    form = {"key": str(uuid.uuid4()), "volume_id": volume, "name": "x", "force": "on"}
    form |= {"metadata-0-key": "", "metadata-0-value": "", "description": ""}
    answer = browser.post("/snapshots/new/", form)
    assert answer.status_code == 302, answer.context["form"].errors
    loop.run_until_idle()
    asked = Action.objects.filter(code=ActionCode.OPERATION_ASKED).latest("seq")
    sent = Exchange.objects.filter(operation=asked.operation)
    assert {"create"} <= set(sent.values_list("purpose", flat=True))
    assert {row.cause for row in sent} == {asked.cause} == {asked.operation.cause}
    assert asked.address == "127.0.0.1"
    # The cloud's own log names them by the same id.
    named = {row.headers["X-Openstack-Request-Id"] for row in sent}
    assert named == {f"req-{asked.cause}"} == {f"req-{answer['X-Request-ID']}"}


def test_readings_by_nobody_are_named_by_their_records(loop, sandbox):
    start_duty(SNAPSHOTS, "sandbox", due_at=timezone.now())
    loop.run_until_idle()
    readings = list(Exchange.objects.filter(operation=None))
    assert "login" in {row.purpose for row in readings}
    for row in readings:
        assert row.headers["X-Openstack-Request-Id"] == f"req-{row.id}"
