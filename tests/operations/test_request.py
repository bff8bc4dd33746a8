"""Asking, cancelling, asking again: nothing here calls the cloud."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from snapshots.jobs.claims import LostClaimError, claim
from snapshots.models import (
    Action,
    ActionCode,
    Operation,
    OperationKind,
    OperationState,
    Volume,
    VolumeGrant,
)
from snapshots.operations.asking import (
    KeyTakenError,
    OperationArguments,
    ask_again,
    ask_for_operation,
)
from snapshots.operations.messages import outcome_sentence
from snapshots.operations.perform import perform
from snapshots.operations.refusals import NotAllowedError, Refusal
from snapshots.operations.stopping import cancel_operation
from tests import factories


@pytest.fixture
def volume(db):
    return Volume.objects.create(
        cloud="sandbox", volume_id="v-1", name="data", status="available", seen_at=timezone.now()
    )


@pytest.fixture
def granted(volume, alice):
    VolumeGrant.objects.create(cloud="sandbox", volume_id=volume.volume_id, user=alice)
    return volume


def request(person, volume, key=None, **wanted):
    wanted = OperationArguments(volume=volume, **wanted)
    return ask_for_operation(requester=person, key=key or uuid.uuid4(), arguments=wanted)


def end(operation, state):
    Operation.objects.filter(pk=operation.pk).update(state=state, finished_at=timezone.now())
    operation.refresh_from_db()


def test_the_same_form_twice_is_one_operation(alice, granted):
    key = uuid.uuid4()
    first, new = request(alice, granted, key, name="one")
    second, again = request(alice, granted, key, name="edited")
    assert (first.pk, new, again) == (second.pk, True, False)
    assert second.name == "one"


@pytest.mark.django_db(transaction=True)
def test_ten_submits_at_once_are_one_operation(alice, granted):
    key, found = uuid.uuid4(), []

    def submit():
        found.append(request(alice, granted, key)[0].pk)
        connection.close()

    threads = [threading.Thread(target=submit) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert set(found) == {Operation.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_two_deletions_at_once_leave_one_snapshot(alice, granted):
    """Each page counted on the snapshot that the other deletes."""
    rows = [factories.foreign_snapshot(granted, name=name) for name in ("one", "two")]
    refused = []

    def submit(row):
        arguments = OperationArguments(
            kind=OperationKind.DELETE, volume=granted, target_snapshot=row, leaves_another=True
        )
        try:
            ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)
        except NotAllowedError as error:
            refused.append(error.refusal)
        connection.close()

    threads = [threading.Thread(target=submit, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert refused == [Refusal.LAST_OF_VOLUME]
    assert Operation.objects.count() == 1
    action = Action.objects.get(code=ActionCode.OPERATION_REFUSED)
    assert action.details["why"] == Refusal.LAST_OF_VOLUME


def test_somebody_elses_key_is_refused(alice, helen, granted):
    key = uuid.uuid4()
    request(alice, granted, key)
    with pytest.raises(KeyTakenError):
        request(helen, granted, key)


def test_a_volume_that_was_not_granted_is_refused(alice, volume):
    with pytest.raises(NotAllowedError):
        request(alice, volume)
    assert not Operation.objects.exists()


def test_a_group_may_be_granted_a_whole_cloud(alice, volume):
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", group=alice.groups.get())
    assert request(alice, volume)[1]


def test_the_helpdesk_may_use_any_volume_for_others(helen, volume):
    operation, _ = request(helen, volume, on_behalf_of="carol", ticket="CHG-1")
    assert (operation.requester_name, operation.on_behalf_of) == ("helen", "carol")


def test_a_waiting_operation_is_cancelled(alice, granted):
    operation, _ = request(alice, granted)
    assert cancel_operation(operation=operation, person=alice)
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLED
    assert "Nothing was made" in outcome_sentence(operation)
    assert operation.due_at is None


def test_a_sent_operation_is_not_cancelled(alice, granted):
    operation, _ = request(alice, granted)
    Operation.objects.update(state=OperationState.SENDING)
    assert not cancel_operation(operation=operation, person=alice)


def test_nobody_cancels_a_strangers_operation(alice, helen, granted, django_user_model):
    operation, _ = request(alice, granted)
    stranger = django_user_model.objects.create_user("bob")
    with pytest.raises(NotAllowedError):
        cancel_operation(operation=operation, person=stranger)


def test_asking_again_copies_and_links_the_operation(alice, granted):
    old, _ = request(alice, granted, name="n", metadata={"a": "b"})
    end(old, OperationState.NOT_CREATED)
    new, made = ask_again(operation=old, person=alice, key=uuid.uuid4())
    assert made
    assert (new.again_for, new.name, new.metadata) == (old, "n", {"a": "b"})


@pytest.mark.parametrize("state", ["queued", "unknown", "accepted", "succeeded"])
def test_open_operation_is_not_asked_again(alice, granted, state):
    old, _ = request(alice, granted)
    end(old, state)
    with pytest.raises(NotAllowedError):
        ask_again(operation=old, person=alice, key=uuid.uuid4())


def test_asking_again_for_volume_in_use_is_refused(alice, granted):
    old, _ = request(alice, granted)
    end(old, OperationState.REFUSED)
    Volume.objects.update(status="in-use")
    with pytest.raises(NotAllowedError, match="in use"):
        ask_again(operation=old, person=alice, key=uuid.uuid4())


def test_asking_again_twice_finds_the_first(alice, helen, granted):
    old, _ = request(alice, granted)
    end(old, OperationState.NOT_CREATED)
    first, _ = ask_again(operation=old, person=alice, key=uuid.uuid4())
    second, new = ask_again(operation=old, person=helen, key=uuid.uuid4())
    assert (second, new) == (first, False)


def test_last_moment_cancel_prevents_sending(alice, granted):
    operation, _ = request(alice, granted)
    claimed = claim(Operation.objects.claimable(), owner="w", lease=timedelta(seconds=60))
    assert cancel_operation(operation=operation, person=alice)
    with pytest.raises(LostClaimError):
        perform(claimed)
    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLED
