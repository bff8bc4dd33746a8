"""A form whose commit is lost: whether it was stored nobody knows, and it is asked for once."""

import uuid

import pytest
from django.db import OperationalError, connections

from snapshots.models import Action, ActionCode, Operation, OperationKind
from snapshots.operations.asking import (
    OperationArguments,
    ask_after,
    ask_again,
    ask_for_operation,
)
from snapshots.operations.batches import ask_for_batch, batch_id
from tests import factories

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # SQLite has no connection to lose.
    pytest.mark.skipif("connections['default'].vendor != 'postgresql'"),
]


@pytest.fixture(params=["stored", "not stored"])
def lost_commit(request):
    """The next commit is lost with its connection, after the server carried it out or before."""
    database = connections["default"]

    def lose_once():
        del database._commit  # the method of its class is there again
        if request.param == "stored":
            database._commit()
        database.connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    def lose_it():
        database._commit = lose_once

    yield lose_it
    assert "_commit" not in vars(database)


def test_request_is_recorded_once(lost_commit, alice, settings):
    settings.EVSPORTAL_STAFF_OPEN_REQUESTS = 1  # so that the first, if stored, takes the last place
    volume, key = factories.volume(granted_to=alice), uuid.uuid4()
    lost_commit()
    arguments = OperationArguments(volume=volume)
    operation, _ = ask_for_operation(requester=alice, key=key, arguments=arguments)
    assert Operation.objects.get() == operation
    assert Action.objects.filter(code=ActionCode.OPERATION_ASKED).count() == 1
    assert not Action.objects.filter(code="operation:ask:refused").exists()


def test_asking_again_is_recorded_once(lost_commit, alice, settings):
    volume = factories.volume(granted_to=alice)
    settings.EVSPORTAL_STAFF_OPEN_REQUESTS = 1
    ended = factories.operation(alice, volume, state="not_created")
    lost_commit()
    operation, _ = ask_again(operation=ended, person=alice, key=uuid.uuid4())
    assert Operation.objects.get(again_for=ended) == operation


def test_rollback_and_its_fresh_snapshot_are_recorded_once(lost_commit, helen):
    volume, key = factories.volume(), uuid.uuid4()
    row = factories.foreign_snapshot(volume, name="before")
    lost_commit()
    operation, _ = ask_after(
        requester=helen,
        key=key,
        arguments=OperationArguments(
            kind=OperationKind.ROLLBACK, volume=volume, target_snapshot=row
        ),
        first=OperationArguments(volume=volume, name="fresh"),
    )
    assert set(Operation.objects.all()) == {operation, operation.needs}


def test_batch_is_recorded_once(lost_commit, alice):
    volume, batch = factories.volume(granted_to=alice), batch_id(uuid.uuid4(), alice)
    rows = [factories.foreign_snapshot(volume, name=f"s{number}") for number in range(3)]
    facts = {"kind": OperationKind.DELETE, "volume": volume, "batch": batch}
    lost_commit()
    operations = ask_for_batch(
        requester=alice,
        requests=[OperationArguments(target_snapshot=row, **facts) for row in rows],
    )
    assert set(Operation.objects.all()) == set(operations)
    assert len(operations) == len(rows)
