"""Nobody asks for more than their role may: open at once, and in 24 hours."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from snapshots.models import Action, Operation, OperationKind
from snapshots.operations.asking import OperationArguments, ask_after, ask_for_operation
from snapshots.operations.batches import ask_for_batch, batch_id
from snapshots.operations.refusals import NotAllowedError, Refusal
from tests import factories


@pytest.fixture
def few(settings):
    settings.EVSPORTAL_STAFF_OPEN_REQUESTS, settings.EVSPORTAL_STAFF_DAY_REQUESTS = 2, 3
    settings.EVSPORTAL_HELPDESK_OPEN_REQUESTS = 4
    settings.EVSPORTAL_HELPDESK_DAY_REQUESTS = 5


def asked(person, volume, key=None):
    arguments = OperationArguments(volume=volume)
    return ask_for_operation(requester=person, key=key or uuid.uuid4(), arguments=arguments)[0]


def refusal_of(person, volume):
    with pytest.raises(NotAllowedError) as refused:
        asked(person, volume)
    return refused.value.refusal


@pytest.mark.parametrize(("name", "most"), [("alice", 2), ("helen", 4)])
def test_open_requests_have_a_limit(few, request, name, most):
    person = request.getfixturevalue(name)
    volume = factories.volume(granted_to=person)
    for _ in range(most):
        asked(person, volume)
    assert refusal_of(person, volume) is Refusal.TOO_MANY_OPEN
    assert Operation.objects.count() == most
    action = Action.objects.get(code="operation:ask:refused")
    assert (action.actor, action.details["why"]) == (person, "too_many_open")


@pytest.mark.parametrize(("name", "most"), [("alice", 3), ("helen", 5)])
def test_requests_of_a_day_have_a_limit(few, request, name, most):
    person = request.getfixturevalue(name)
    volume = factories.volume(granted_to=person)
    for _ in range(most):
        factories.operation(person, volume, state="succeeded", ago_seconds=23 * 3600)
    assert refusal_of(person, volume) is Refusal.TOO_MANY_A_DAY
    Operation.objects.update(asked_at=timezone.now() - timedelta(hours=25))
    asked(person, volume)


def test_requests_of_others_do_not_count(few, alice, bob):
    volume = factories.volume(granted_to=alice)
    for _ in range(4):
        factories.operation(bob, volume)
    asked(alice, volume)


def test_second_submit_at_the_limit_finds_the_first(few, alice):
    volume, key = factories.volume(granted_to=alice), uuid.uuid4()
    first = asked(alice, volume, key)
    asked(alice, volume)
    assert asked(alice, volume, key) == first


def test_batch_beyond_the_limit_asks_for_nothing(few, alice):
    volume, batch = factories.volume(granted_to=alice), batch_id(uuid.uuid4(), alice)
    rows = [factories.foreign_snapshot(volume, name=f"s{number}") for number in range(3)]
    facts = {"kind": OperationKind.DELETE, "volume": volume, "batch": batch}
    requests = [OperationArguments(target_snapshot=row, **facts) for row in rows]
    with pytest.raises(NotAllowedError, match="as many unfinished requests"):
        ask_for_batch(requester=alice, requests=requests)
    assert not Operation.objects.exists()
    assert Action.objects.get(code="operation:ask:refused").details["why"] == "too_many_open"


def test_rollback_with_fresh_snapshot_counts_twice(few, helen, settings):
    settings.EVSPORTAL_HELPDESK_OPEN_REQUESTS = 1
    volume = factories.volume()
    row = factories.foreign_snapshot(volume, name="before")
    rollback = OperationArguments(kind=OperationKind.ROLLBACK, volume=volume, target_snapshot=row)
    fresh = OperationArguments(volume=volume, name="fresh")
    with pytest.raises(NotAllowedError, match="as many unfinished requests"):
        ask_after(requester=helen, key=uuid.uuid4(), arguments=rollback, first=fresh)
    assert not Operation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_keep_the_limit(few, alice):
    volume, refused = factories.volume(granted_to=alice), []

    def submit():
        try:
            asked(alice, volume)
        except NotAllowedError as error:
            refused.append(error.refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert refused == [Refusal.TOO_MANY_OPEN] * 6
    assert Operation.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_double_click_for_the_last_place_is_one_request(few, alice, settings):
    settings.EVSPORTAL_STAFF_OPEN_REQUESTS = 1
    volume, key, found = factories.volume(granted_to=alice), uuid.uuid4(), []

    def submit():
        try:
            found.append(asked(alice, volume, key).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [Operation.objects.get().pk] * 6
    assert not Action.objects.filter(code="operation:ask:refused").exists()
