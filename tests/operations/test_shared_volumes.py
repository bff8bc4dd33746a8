"""Several changes of one volume at once, where the cloud's settings allow it."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError

from snapshots import clouds
from snapshots.jobs.claims import claim
from snapshots.models import Operation, OperationKind, Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.foresight import facts_of
from snapshots.operations.perform import perform
from snapshots.selectors.operations import operation_blocking
from tests.operations.conftest import exchanges_of, look_again

LEASE = timedelta(seconds=60)


@pytest.fixture
def parallel(cloud, monkeypatch):
    config = dataclasses.replace(clouds._sandbox_config(), parallel_changes=True)
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()


@pytest.fixture
def change(helen):
    """A function that asks for a change of a snapshot, as the helpdesk."""

    def change(snapshot, kind, **wanted):
        arguments = OperationArguments(
            kind=OperationKind(kind),
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
            **wanted,
        )
        return ask_for_operation(requester=helen, key=uuid.uuid4(), arguments=arguments)[0]

    return change


def states(*operations):
    return [Operation.objects.get(pk=one.pk).state for one in operations]


def work_and_watch(loop, clock):
    loop.run_until_idle()
    clock.move(60)
    look_again(loop)
    loop.run_until_idle()


def test_creates_run_beside_each_other(parallel, loop, ask, clock):
    first, second = ask("reports", name="a"), ask("reports", name="b")
    assert operation_blocking(second) is None
    assert facts_of(Volume.objects.get(), [], agrees=True).ahead == 0
    loop.run_until_idle()
    assert states(first, second) == ["accepted", "accepted"]
    work_and_watch(loop, clock)
    assert states(first, second) == ["succeeded", "succeeded"]


def test_without_the_setting_they_wait(loop, ask):
    first, second = ask("reports"), ask("reports")
    assert operation_blocking(second) == first
    assert facts_of(Volume.objects.get(), [], agrees=True).ahead == 2
    loop.run_until_idle()
    assert states(first, second) == ["accepted", "queued"]


def test_a_rollback_waits_for_what_came_before(parallel, loop, make, ask, change, clock):
    snapshot = make()
    create = ask("reports", name="first")
    rollback = change(snapshot, "rollback")
    later = ask("reports", name="later")
    assert operation_blocking(rollback) == create
    assert operation_blocking(later) == rollback
    loop.run_until_idle()
    assert states(create, rollback, later) == ["accepted", "queued", "queued"]
    work_and_watch(loop, clock)
    assert states(create, rollback, later) == ["succeeded", "accepted", "queued"]


@pytest.mark.parametrize("is_late", ["rollback", "create"])
def test_a_rollback_never_runs_beside_another(parallel, loop, make, ask, change, is_late):
    """Both were claimed before either could see the other, by two nodes."""
    operations = {"rollback": change(make(), "rollback"), "create": ask("reports", name="beside")}
    late = operations.pop(is_late)
    (early,) = operations.values()
    Operation.objects.filter(pk=early.pk).update(state="cancelled", due_at=None)
    claimed = claim(Operation.objects.claimable(), owner="w", lease=LEASE)
    assert claimed == late
    Operation.objects.filter(pk=early.pk).update(state="sending")
    perform(claimed)
    assert states(early, late) == ["sending", "queued"]
    assert exchanges_of(late) == []


def test_a_killed_sender_is_seen_too(parallel, loop, make, ask, change):
    """A worker died between entering `sending` and looking: the next one looks as well."""
    rollback, create = change(make(), "rollback"), ask("reports", name="beside")
    Operation.objects.filter(pk=create.pk).update(state="accepted", due_at=None)
    Operation.objects.filter(pk=rollback.pk).update(state="sending")
    perform(claim(Operation.objects.claimable(), owner="w", lease=LEASE))
    assert states(rollback) == ["queued"]
    assert exchanges_of(rollback) == []


def test_changes_of_one_snapshot_come_in_order(parallel, loop, make, change, clock):
    snapshot, other = make(name="a"), make(name="b")
    rename = change(snapshot, "rename", name="new")
    delete, beside = change(snapshot, "delete"), change(other, "delete")
    assert operation_blocking(delete) == rename
    Operation.objects.filter(pk=rename.pk).update(state="unknown", due_at=None)
    loop.run_until_idle()
    assert states(delete, beside) == ["queued", "accepted"]
    with pytest.raises(IntegrityError):
        Operation.objects.filter(pk=delete.pk).update(state="sending")


def test_the_setting_counts_from_then_on(loop, ask, monkeypatch):
    before = ask("reports", name="before")
    config = dataclasses.replace(clouds._sandbox_config(), parallel_changes=True)
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()
    after = ask("reports", name="after")
    loop.run_until_idle()
    assert states(before, after) == ["accepted", "queued"]
