"""A request of somebody who lost the right to it is never sent: asked again at the last moment."""

import uuid

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import OperationalError, connection

from snapshots.audit.record.recorder import AuditRecorder
from snapshots.evs.client import EvsClient
from snapshots.models import (
    Action,
    Exchange,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
    Volume,
    VolumeGrant,
)
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.messages import sentences_of
from snapshots.operations.withdrawing import withdraw_requests
from snapshots.rights.policy import Right
from snapshots.rights.sending import SenderFacts, facts_of_sender, lost_right
from tests.database.standing import another_transaction, at_once
from tests.operations.conftest import control, snapshots_in

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


def take_permissions(person):
    person.user_permissions.clear()


def take_permissions_of_groups(person):
    for group in person.groups.all():
        group.permissions.clear()


def rename_role(person):
    person.groups.update(name="no role")


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
    VolumeGrant.objects.create(cloud="other", scope="cloud", user=operation.requester)
    loop.run_until_idle()
    assert_withdrawn(operation, OutcomeCode.GRANT_LOST, sandbox)


def test_what_waits_behind_goes_on(loop, ask, bob, sandbox):
    """The volume is free for the next in line."""
    first, second = ask("reports"), ask("reports")
    Operation.objects.filter(pk=second.pk).update(requester=bob, requester_name="bob")
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", user=bob)
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


def test_request_with_a_renewed_token_is_withdrawn(loop, ask, sandbox, monkeypatch):
    """It had left the portal once, and the cloud executed nothing."""
    operation, answered = ask("reports"), AuditRecorder.answered
    expired = {"times": 1, "method": "POST", "path": "/snapshots", "status": 401}
    control(sandbox, "POST", "faults", json=expired)

    def answered_and_left(self, request, answer):
        answered(self, request, answer)
        if answer.status == 401:
            shut_out(operation.requester)

    monkeypatch.setattr(AuditRecorder, "answered", answered_and_left)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert (operation.status, operation.outcome) == (
        OperationState.CANCELLED,
        OutcomeCode.SHUT_OUT,
    )
    assert Exchange.objects.filter(purpose="create").count() == 1
    assert snapshots_in(sandbox) == []


def test_change_that_was_done_in_part_is_not_called_cancelled(loop, make, alice, monkeypatch):
    snapshot = make()
    arguments = OperationArguments(
        kind=OperationKind.METADATA,
        volume=Volume.objects.get(volume_id=snapshot.volume_id),
        target_snapshot=snapshot,
        metadata={"team": "it"},
        removed_keys=["old"],
    )
    operation, _ = ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)
    set_metadata = EvsClient.set_metadata

    def set_and_leave(self, *args):
        set_metadata(self, *args)
        shut_out(alice)

    monkeypatch.setattr(EvsClient, "set_metadata", set_and_leave)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.status is not OperationState.CANCELLED
    assert not Action.objects.filter(code="operation:withdraw").exists()


def test_what_an_earlier_try_may_have_spoiled_is_left_to_the_worker(make, roll_back, helen):
    """The volume may be left "reverting": its look says so, and who can help."""
    operation = roll_back(make())
    Operation.objects.filter(pk=operation.pk).update(start_status="available")
    shut_out(helen)
    assert withdraw_requests([helen]) == []


def test_nothing_is_read_in_the_name_of_who_lost_the_right(loop, make, roll_back, helen):
    operation = roll_back(make())
    before = Exchange.objects.filter(operation=operation).count()
    shut_out(helen)
    loop.run_until_idle()
    operation.refresh_from_db()
    assert operation.outcome == OutcomeCode.SHUT_OUT
    assert Exchange.objects.filter(operation=operation).count() == before == 0


def test_many_waiting_requests_are_looked_at_together(ask, django_assert_max_num_queries):
    operations = [ask("reports") for _ in range(20)]
    with django_assert_max_num_queries(20):
        assert withdraw_requests([operations[0].requester]) == []


# --- at the same moment -------------------------------------------------------------------------


@only_postgres
@pytest.mark.parametrize(
    "lose",
    [
        shut_out,
        take_role,
        take_grant,
        take_permissions,
        take_permissions_of_groups,
        rename_role,
    ],
)
def test_right_is_not_taken_between_the_question_and_the_sending(ask, lose, transactional_db):
    operation, right = ask("reports"), Permission.objects.get(codename="roll_back_volume")
    operation.requester.user_permissions.add(right)
    operation.requester.groups.get().permissions.add(right)
    asked = another_transaction(lambda: facts_of_sender(operation, Right.REQUEST))
    with asked, pytest.raises(OperationalError, match="lock timeout"):
        at_once(lambda: lose(operation.requester))
    lose(operation.requester)


@only_postgres
def test_workers_ask_for_the_same_person_side_by_side(ask, transactional_db):
    operation = ask("reports")
    with another_transaction(lambda: facts_of_sender(operation, Right.REQUEST)):
        at_once(lambda: facts_of_sender(operation, Right.REQUEST))
