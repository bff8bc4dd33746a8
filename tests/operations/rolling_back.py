"""What the tests of rollbacks share."""

from datetime import timedelta

from django.utils import timezone

from snapshots.models import Operation
from snapshots.operations.messages import outcome_sentence
from tests.operations.conftest import control, exchanges_of, let_time_pass, look_again

FAILS = "trouble: rollback fails"


def fault(sandbox, **plan):
    plan = {"times": 1, "path": "/os-vendor-snapshots/[^/]+/rollback", "body": "<html>", **plan}
    control(sandbox, "POST", "faults", json=plan)


def outcome(operation):
    operation.refresh_from_db()
    return operation.state, outcome_sentence(operation)


def finish(loop, operation, clock, seconds=60):
    """The cloud has had time, and so has the portal."""
    clock.move(seconds)
    let_time_pass(operation, seconds)
    Operation.objects.filter(pk=operation.pk).update(state_at=operation.asked_at)
    look_again(loop)


def settle(loop, operation):
    for _ in range(5):
        let_time_pass(operation, 70)
        loop.run_until_idle()


def sent(operation):
    return [line for line in exchanges_of(operation) if line.startswith("rollback")]


def set_volume(sandbox, snapshot, **columns):
    control(sandbox, "POST", f"volumes/{snapshot.volume_id}", json=columns)


def set_snapshot(sandbox, snapshot, **columns):
    control(sandbox, "POST", f"snapshots/{snapshot.snapshot_id}", json=columns)


def now_of(operation):
    return Operation.objects.get(pk=operation.pk)


def answer_for(snapshot):
    return {"rollback": {"volume_id": snapshot.volume_id}}


def aged(operation, seconds):
    """It is in its state for so long."""
    at = timezone.now() - timedelta(seconds=seconds)
    Operation.objects.filter(pk=operation.pk).update(state_at=at)
