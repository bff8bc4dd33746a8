"""Deleting several snapshots behind one confirmation."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.forms.batch import BatchDeleteForm
from snapshots.models import Action, ActionCode, Maker, Snapshot
from snapshots.operations.refusals import Refusal
from tests import factories
from tests.pages.batches import OLD, asked, choose, confirm, confirmed, make

pytestmark = pytest.mark.django_db


def test_each_snapshot_gets_an_operation_of_the_batch(alice, rows):
    page = choose(alice, rows)
    assert "Delete 3 snapshots" in page.text
    assert asked() == []
    done = confirm(alice, page)
    operations = asked()
    assert {row.target_snapshot for row in operations} == set(rows)
    assert len({row.batch for row in operations}) == 1
    assert done.redirect_chain[-1][0] == f"/batches/{operations[0].batch}/"
    assert "3 requests are recorded" in done.text
    actions = Action.objects.filter(code=ActionCode.OPERATION_ASKED)
    assert [row.details["batch"] for row in actions] == [str(operations[0].batch)] * 3


def test_same_form_sent_twice_asks_once(alice, rows):
    page = choose(alice, rows)
    confirm(alice, page)
    again = confirm(alice, page)
    assert "already sent" in again.text
    assert len(asked()) == 3


def test_keys_of_two_people_do_not_meet(alice, helen, rows):
    page = choose(alice, rows)
    confirm(alice, page)
    confirm(helen, page, on_behalf_of="", ticket="", reason="")
    assert len({row.batch for row in asked()}) == 2


@pytest.mark.parametrize("why", ["young", "none left"])
def test_number_is_typed_where_a_name_would_be(alice, volume, why):
    age = timedelta(days=1) if why == "young" else OLD
    if why == "young":
        make(volume, name="stays")
    rows = make(volume, 2, created_at=timezone.now() - age)
    page = choose(alice, rows)
    assert "Type 2 to confirm." in page.text
    assert ("younger than 7 days" if why == "young" else "no usable snapshot left") in page.text
    for text in ("", "3", "two"):
        page = confirm(alice, page, typed_count=text)
        assert "This is not their number" in page.text
    assert asked() == []
    confirm(alice, page, typed_count=" 2 ")
    assert len(asked()) == 2


@pytest.mark.parametrize(
    "facts", [{"status": "error"}, {"missing_since": timezone.now()}, {"maker": Maker.SYSTEM}]
)
def test_only_what_people_can_go_back_to_is_left(alice, rows, facts):
    Snapshot.objects.filter(name="stays").update(**facts)
    page = choose(alice, rows)
    assert "1 volume would have no usable snapshot left." in page.text
    confirm(alice, page)
    assert asked() == []


def test_what_another_page_deletes_is_not_left(alice, volume, rows):
    page = choose(alice, rows)
    stays = Snapshot.objects.get(name="stays")
    factories.operation(alice.user, volume, kind="delete", target_snapshot=stays)
    again = confirm(alice, page)
    assert "1 volume would have no usable snapshot left." in again.text
    assert asked() == []


def test_deletion_that_comes_first_in_the_last_moment(alice, volume, rows, monkeypatch):
    page, arguments_for = choose(alice, rows), BatchDeleteForm.arguments_for
    stays = Snapshot.objects.get(name="stays")

    def after_the_other(form, snapshot):
        if not stays.changes.exists():
            factories.operation(alice.user, volume, kind="delete", target_snapshot=stays)
        return arguments_for(form, snapshot)

    monkeypatch.setattr(BatchDeleteForm, "arguments_for", after_the_other)
    again = confirm(alice, page)
    assert "By now it is the only usable snapshot" in again.text
    assert "Nothing was asked for any of them" in again.text
    assert "typed_count" in again.context["form"].fields
    assert asked() == []
    confirm(alice, again, typed_count="3")
    assert len(asked()) == 3


def test_number_typed_on_a_page_that_asked_for_it_is_checked(alice, rows):
    assert "not their number" in confirm(alice, choose(alice, rows), typed_count="2").text
    assert asked() == []


def test_snapshot_changed_meanwhile_is_left_out_until_ticked(alice, rows):
    page = choose(alice, rows)
    Snapshot.objects.filter(pk=rows[0].pk).update(name="keep me")
    again = confirm(alice, page)
    assert "1 snapshot is not as it was" in again.text
    assert "keep me" in again.text
    assert asked() == []
    (changed,) = again.context["selection"].changed
    confirm(alice, again)
    assert {row.target_snapshot for row in asked()} == set(rows[1:])
    seen = [*confirmed(again)["seen"], changed.text_and_state]
    page = choose(alice, [rows[0]])
    confirm(alice, page, seen=seen)
    assert len(asked()) == 3


def test_snapshot_gone_meanwhile_is_said_before_anything_is_asked(alice, rows):
    page = choose(alice, rows)
    Snapshot.objects.filter(pk=rows[0].pk).update(gone_at=timezone.now())
    again = confirm(alice, page)
    assert "is not as it was" in again.text
    assert asked() == []
    confirm(alice, again)
    assert len(asked()) == 2


def test_damaged_number_of_the_form_is_replaced(alice, rows):
    page = choose(alice, rows)
    again = confirm(alice, page, key="nonsense")
    assert asked() == []
    confirm(alice, again)
    assert len(asked()) == 3


def test_refusal_of_one_asks_for_none_and_is_recorded(alice, rows, monkeypatch):
    page = choose(alice, rows)

    def refusal(self, requester, volume, snapshot):
        return Refusal.SNAPSHOT_GONE if snapshot == rows[2] else None

    monkeypatch.setattr("snapshots.operations.kinds.delete.DeleteKind.refusal", refusal)
    assert "Nothing was asked for any of them" in confirm(alice, page).text
    assert asked() == []
    (action,) = Action.objects.filter(code=ActionCode.OPERATION_REFUSED)
    assert action.details["why"] == Refusal.SNAPSHOT_GONE
    assert not Action.objects.filter(code=ActionCode.OPERATION_ASKED).exists()


def test_helpdesk_says_once_for_whom(helen, rows):
    page = choose(helen, rows)
    wrong = confirm(helen, page, on_behalf_of="Deniz", ticket="", reason="")
    assert "Give a ticket or a reason" in wrong.text
    confirm(helen, page, on_behalf_of="Deniz", ticket="CHG-7", reason="cleaning up")
    assert {(row.on_behalf_of, row.ticket, row.reason) for row in asked()} == {
        ("Deniz", "CHG-7", "cleaning up")
    }
