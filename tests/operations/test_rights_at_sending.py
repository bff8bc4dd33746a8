"""A request of somebody who lost the right to it is never sent: asked again at the last moment."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import OperationalError, connection

from snapshots.models import Action, Exchange, Operation, OperationState, OutcomeCode, VolumeGrant
from snapshots.operations.messages import sentences_of
from snapshots.operations.withdrawing import withdraw_requests, withdrawal
from snapshots.rights.policy import Right
from snapshots.rights.sending import SenderFacts, facts_of_sender, lost_right
from tests.database.standing import another_transaction, at_once
from tests.operations.conftest import snapshots_in

only_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has a single writer"
)
EVERYTHING = {
    "is_active": True,
    "may_request": True,
    "has_right_of_kind": True,
    "may_use_volume": True,
}


@pytest.mark.parametrize(
    ("lost", "code"),
    [
        ({}, None),
        ({"is_active": False}, OutcomeCode.SHUT_OUT),
        ({"may_request": False}, OutcomeCode.ROLE_LOST),
        ({"may_use_volume": False}, OutcomeCode.GRANT_LOST),
        ({"has_right_of_kind": False}, OutcomeCode.RIGHT_LOST),
        ({"is_active": False, "may_request": False}, OutcomeCode.SHUT_OUT),
    ],
)
def test_lost_right_is_named(lost, code):
    assert lost_right(SenderFacts(**EVERYTHING | lost)) == code


def shut_out(person):
    User.objects.filter(pk=person.pk).update(is_active=False)


def take_role(person):
    person.groups.clear()


def take_grant(person):
    VolumeGrant.objects.filter(user=person).delete()


LOSSES = [
    (shut_out, OutcomeCode.SHUT_OUT, "The account of alice was closed"),
    (take_role, OutcomeCode.ROLE_LOST, "alice lost the role"),
    (take_grant, OutcomeCode.GRANT_LOST, "alice lost the right to use the volume"),
]


def assert_withdrawn(operation, code, sandbox):
    operation.refresh_from_db()
    assert (operation.status, operation.outcome) == (OperationState.CANCELLED, code)
    assert operation.sent_at is None
    assert not Exchange.objects.filter(purpose="create").exists()
    assert snapshots_in(sandbox) == []
    action = Action.objects.get(code="operation:withdraw")
    assert (action.operation, action.actor_name) == (operation, "portal")
    assert action.details == {"kind": "create", "why": code.value, "person": "alice"}


@pytest.mark.parametrize(("lose", "code", "words"), LOSSES)
def test_request_of_who_lost_the_right_is_not_sent(loop, ask, sandbox, lose, code, words):
    operation = ask("reports")
    lose(operation.requester)
    loop.run_until_idle()
    assert_withdrawn(operation, code, sandbox)
    assert any(words in sentence for sentence in sentences_of(operation))


@pytest.mark.parametrize(("lose", "code", "words"), LOSSES)
def test_waiting_request_is_withdrawn_at_once(ask, sandbox, lose, code, words, transactional_db):
    operation = ask("reports")
    assert withdraw_requests([operation.requester]) == []
    lose(operation.requester)
    assert withdraw_requests([operation.requester]) == [operation]
    assert_withdrawn(operation, code, sandbox)
    assert withdraw_requests([operation.requester]) == []


def test_request_of_who_still_has_the_right_is_sent(loop, ask, sandbox):
    operation = ask("reports")
    team = Group.objects.create(name="storage")
    operation.requester.groups.add(team)
    VolumeGrant.objects.create(cloud="sandbox", volume_id=operation.volume_id, group=team)
    take_grant(operation.requester)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.status is OperationState.ACCEPTED
    assert len(snapshots_in(sandbox)) == 1


def test_grant_of_another_cloud_does_not_count(loop, ask, sandbox):
    operation = ask("reports")
    take_grant(operation.requester)
    VolumeGrant.objects.create(cloud="other", volume_id="", user=operation.requester)
    loop.run_until_idle()
    assert_withdrawn(operation, OutcomeCode.GRANT_LOST, sandbox)


def test_what_waits_behind_goes_on(loop, ask, bob, sandbox):
    """The volume is free for the next in line."""
    first, second = ask("reports"), ask("reports")
    Operation.objects.filter(pk=second.pk).update(requester=bob, requester_name="bob")
    VolumeGrant.objects.create(cloud="sandbox", volume_id="", user=bob)
    shut_out(first.requester)
    loop.run_until_idle()
    second.refresh_from_db()
    assert second.status is OperationState.ACCEPTED
    assert [row["metadata"]["evsportal-operation"] for row in snapshots_in(sandbox)] == [
        str(second.pk)
    ]


def test_right_of_the_kind_is_asked_for_again(loop, make, roll_back, alice):
    right = Permission.objects.get(codename="roll_back_volume")
    snapshot = make()
    alice.user_permissions.add(right)
    operation = roll_back(snapshot, person=User.objects.get(pk=alice.pk))
    alice.user_permissions.clear()
    loop.run_until_idle()
    operation.refresh_from_db()
    assert (operation.status, operation.outcome) == (
        OperationState.CANCELLED,
        OutcomeCode.RIGHT_LOST,
    )
    assert not Exchange.objects.filter(purpose="rollback").exists()


def test_sent_request_goes_on_without_its_person(loop, ask, clock, sandbox):
    operation = ask("reports")
    loop.run_until_idle()
    shut_out(operation.requester)
    assert withdraw_requests([operation.requester]) == []
    operation.refresh_from_db()
    assert operation.status is OperationState.ACCEPTED


def test_request_that_was_refused_for_its_token_waits_again(ask, transactional_db):
    """It had left the portal, and the cloud executed nothing: the next try finds the right gone."""
    operation = ask("reports")
    operation.sent_at = operation.asked_at
    decision = withdrawal(operation, OutcomeCode.SHUT_OUT, now=operation.asked_at)
    assert (decision.move.to, decision.is_withdrawn) == (OperationState.QUEUED, False)


# --- at the same moment -------------------------------------------------------------------------


@only_postgres
@pytest.mark.parametrize("lose", [shut_out, take_role, take_grant])
def test_right_is_not_taken_between_the_question_and_the_sending(ask, lose, transactional_db):
    operation = ask("reports")
    asked = another_transaction(lambda: facts_of_sender(operation, Right.REQUEST))
    with asked, pytest.raises(OperationalError, match="lock timeout"):
        at_once(lambda: lose(operation.requester))
    lose(operation.requester)


@only_postgres
def test_workers_ask_for_the_same_person_side_by_side(ask, transactional_db):
    operation = ask("reports")
    with another_transaction(lambda: facts_of_sender(operation, Right.REQUEST)):
        at_once(lambda: facts_of_sender(operation, Right.REQUEST))
