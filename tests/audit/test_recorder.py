"""The exchange row is committed before the bytes leave; the answer is a row of its own."""

import uuid

import pytest
from django.db import transaction
from django.utils import timezone

from snapshots.audit.record.recorder import AuditRecorder, Context
from snapshots.evs.errors import Timeout
from snapshots.evs.wire import CloudAnswer, Outgoing
from snapshots.models import Answer, Exchange, InsertOnlyError, Operation, Purpose

pytestmark = pytest.mark.django_db
TOKEN = "planted-token-MIIabcdef"


@pytest.fixture
def operation(alice):
    now = timezone.now()
    return Operation.objects.create(
        key=uuid.uuid4(),
        cloud="c",
        volume_id="v-1",
        volume_name="data",
        requester=alice,
        requester_name="alice",
        on_behalf_of="carol",
        ticket="CHG-1",
        asked_at=now,
        state_at=now,
    )


def recorder(operation=None, purpose=Purpose.CREATE, **options):
    actor = operation.requester if operation else None
    context = Context(cloud="c", sandbox=True, purpose=purpose, operation=operation, actor=actor)
    return AuditRecorder(context, **options)


def request(purpose="create", **changes):
    facts = {
        "purpose": purpose,
        "method": "POST",
        "url": "http://cloud/v2/p/snapshots",
        "headers": {"X-Auth-Token": TOKEN, "Content-Type": "application/json"},
        "body": b'{"snapshot": {"name": "n"}}',
    }
    return Outgoing(**{**facts, **changes})


def answer(status=202, body=b"{}", headers=None):
    return CloudAnswer(status=status, headers=headers or {}, body=body, elapsed_ms=12.6)


def test_the_row_tells_who_for_whom_and_what(operation):
    recorder(operation).opened(request())
    row = Exchange.objects.get()
    assert (row.actor_name, row.on_behalf_of, row.ticket) == ("alice", "carol", "CHG-1")
    assert (row.target_kind, row.target_id, row.target_name) == ("volume", "v-1", "data")
    assert row.operation == operation
    assert (row.method, row.body) == ("POST", '{"snapshot": {"name": "n"}}')
    assert not row.background


def test_sign_in_is_recorded_without_body(operation):
    recorder(operation).opened(request(purpose="login", body=b'"pw-planted"', sensitive=True))
    row = Exchange.objects.get()
    assert (row.purpose, row.background, row.body_sha256) == ("login", True, "")
    assert "planted" not in row.body


def test_the_portals_own_readings_are_background(operation):
    recorder(purpose=Purpose.WATCH).opened(request(purpose="watch"))
    row = Exchange.objects.get()
    assert (row.actor_name, row.actor, row.background) == ("portal", None, True)


def test_the_answer_is_stored_beside_its_request(operation):
    sent, record = request(), recorder(operation)
    record.opened(sent)
    record.answered(sent, answer(headers={"x-openstack-request-id": "req-1", "set-cookie": "s"}))
    row = Exchange.objects.get().answer
    assert (row.status, row.request_id, row.elapsed_ms, row.body) == (202, "req-1", 13, "{}")
    assert row.headers["set-cookie"] == "(left out)"


def test_missing_answer_is_stored_with_its_reason(operation):
    sent, record = request(), recorder(operation)
    record.opened(sent)
    record.failed(sent, Timeout("No answer in 30 s."), elapsed_ms=30_000, answer=None)
    row = Exchange.objects.get().answer
    assert (row.status, row.error, row.error_text) == (None, "Timeout", "No answer in 30 s.")


def test_an_answer_that_broke_off_keeps_what_came(operation):
    sent, record = request(), recorder(operation)
    record.opened(sent)
    record.failed(sent, Timeout("Too slow."), elapsed_ms=1, answer=answer(body=b'{"snap'))
    row = Exchange.objects.get().answer
    assert (row.status, row.body, row.error) == (202, '{"snap', "Timeout")


def test_echoed_token_is_stored_nowhere(operation):
    sent, record = request(url=f"http://cloud/?t={TOKEN}"), recorder(operation, secrets=(TOKEN,))
    record.opened(sent)
    echo = f"decrypt {TOKEN} fail"
    record.answered(sent, answer(401, echo.encode(), {"x-subject-token": TOKEN, "location": echo}))
    assert TOKEN not in str(list(Exchange.objects.values()) + list(Answer.objects.values()))


def test_sending_inside_a_transaction_is_refused(operation):
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        recorder(operation).opened(request())


def test_error_before_create_leaves_no_row(operation):
    def refuse():
        raise PermissionError

    record = recorder(operation, before_sending=refuse)
    record.opened(request(purpose="login"))
    with pytest.raises(PermissionError):
        record.opened(request())
    assert [item.purpose for item in Exchange.objects.all()] == ["login"]


def test_audit_rows_are_inserted_and_nothing_else(operation):
    sent, record = request(), recorder(operation)
    record.opened(sent)
    record.answered(sent, answer())
    for row in (Exchange.objects.get(), Answer.objects.get()):
        for change in (
            row.save,
            row.delete,
            type(row).objects.all().delete,
            lambda row=row: type(row).objects.update(at=timezone.now()),
            lambda row=row: type(row).objects.bulk_update([row], ["at"]),
        ):
            with pytest.raises(InsertOnlyError):
                change()
