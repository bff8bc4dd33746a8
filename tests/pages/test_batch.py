"""The same asked for several snapshots at once: confirming it, and what becomes of it."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.forms.batch import BatchDeleteForm
from snapshots.models import Action, ActionCode, Maker, Operation, Snapshot, VolumeGrant
from snapshots.operations.rights import Refusal
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/snapshots/batch/"
OLD = timedelta(days=30)


def make(volume, count=1, **facts):
    facts = {"created_at": timezone.now() - OLD} | facts
    return [
        factories.foreign_snapshot(volume, **{"name": f"weekly-{number}"} | facts)
        for number in range(count)
    ]


@pytest.fixture
def rows(volume):
    """Three that are deleted without typing: a fourth stays."""
    make(volume, name="stays")
    return make(volume, 3)


def texts(rows):
    return [f"{row.cloud}/{row.snapshot_id}" for row in rows]


def choose(browser, rows, kind="delete", **fields):
    chosen = rows if not rows or isinstance(rows[0], str) else texts(rows)
    return browser.post(PAGE, {"kind": kind, "snapshot": chosen, **fields}, follow=True)


def confirmed(page, **fields):
    """What the form on this page posts."""
    selection = page.context["selection"]
    return {
        "key": str(page.context["key"]),
        "kind": page.context["kind"],
        "snapshot": [choice.text for choice in selection.choices],
        "seen": [choice.text_and_state for choice in selection.confirmed],
        **fields,
    }


def confirm(browser, page, **fields):
    return browser.post(PAGE, confirmed(page, **fields), follow=True)


def asked():
    return list(Operation.objects.filter(batch__isnull=False).order_by("asked_at"))


# --- choosing --------------------------------------------------------------------------------


def test_list_offers_both_to_those_who_may_ask(alice, audrey, rows):
    page = alice.get("/snapshots/").text
    assert 'id="batch"' in page
    assert 'name="kind" value="delete"' in page
    assert 'name="kind" value="metadata"' in page
    assert 'id="batch"' not in audrey.get("/snapshots/").text


@pytest.mark.parametrize("who", ["audrey", "root", "nobody"])
def test_page_is_for_those_who_may_ask(who, rows, request):
    browser = request.getfixturevalue(who)
    assert choose(browser, rows).status_code == 404
    assert browser.get(PAGE).status_code == 404


def test_empty_selection_is_reported(alice):
    assert "Tick at least one snapshot" in choose(alice, []).text


@pytest.mark.parametrize("kind", ["create", "rename", "nonsense", ""])
def test_other_kinds_have_no_such_page(alice, rows, kind):
    assert choose(alice, rows, kind=kind).status_code == 404


def test_more_than_100_are_refused(alice, rows):
    many = [f"sandbox/{number}" for number in range(101)]
    assert "at most 100 can be changed at once" in choose(alice, many).text


def test_address_with_ids_shows_the_same(alice, rows):
    page = alice.get(PAGE, {"kind": "delete", "snapshot": texts(rows)})
    assert len(page.context["selection"].confirmed) == 3


def test_ids_chosen_twice_count_once(alice, rows):
    page = choose(alice, texts(rows) * 2)
    assert len(page.context["selection"].choices) == 3
    confirm(alice, page)
    assert len(asked()) == 3


def test_what_cannot_be_done_is_left_out_with_why(alice, bob, volume):
    hers = make(volume, 2)
    gone = make(volume, name="gone", gone_at=timezone.now())
    systems = make(volume, name="auto", maker=Maker.SYSTEM)
    busy = make(volume, name="busy", status="backing-up")
    page = choose(alice, [*hers, *gone, *systems, *busy])
    selection = page.context["selection"]
    assert [choice.snapshot for choice in selection.confirmed] == hers
    assert len(selection.left_out) == 3
    for why in ("was deleted in the cloud", "backup service", "this one is “backing-up”"):
        assert why in page.text
    assert "3 are left out" in page.text


def test_strangers_snapshot_reads_as_one_that_is_not_there(alice, bob, rows):
    other = factories.volume("secret-volume", granted_to=bob.user)
    (his,) = make(other, name="secret-name")
    absent = f"sandbox/{uuid.uuid4()}"
    page = choose(alice, [*texts(rows), *texts([his]), absent])
    left_out = page.context["selection"].left_out
    assert [choice.snapshot for choice in left_out] == [None, None]
    assert len({str(choice.why_not) for choice in left_out}) == 1
    assert "secret" not in page.text
    confirm(alice, page, seen=[*confirmed(page)["seen"], f"x {texts([his])[0]}"])
    assert all(row.target_snapshot != his for row in asked())


def test_visible_snapshot_of_a_volume_not_granted(alice, volume):
    made = factories.operation(alice.user, volume, state="succeeded")
    row = factories.snapshot(made)
    VolumeGrant.objects.all().delete()
    page = choose(alice, [row])
    assert "You may not use its volume" in page.text
    assert "data-once" not in page.text


@pytest.mark.parametrize("text", ["", "/", "sandbox", "sandbox/", "a/../b", "\0/x", "x/" * 400])
def test_nonsense_is_not_found(alice, rows, text):
    page = choose(alice, [*texts(rows), text])
    assert len(page.context["selection"].left_out) == 1
    assert len(page.context["selection"].confirmed) == 3


def test_ids_with_slashes_and_hostile_names(alice, volume):
    hostile = make(volume, name="<script>alert(1)</script>", snapshot_id="a/../b?c#d")
    page = choose(alice, [*hostile, *make(volume, name="\u202egnp.exe")])
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text
    done = confirm(alice, page, typed_count="2")
    assert "<script>alert" not in done.text
    assert asked()[0].target_snapshot == hostile[0]


# --- deleting --------------------------------------------------------------------------------


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


# --- metadata --------------------------------------------------------------------------------


def test_entries_are_added_and_replaced_and_none_removed(alice, volume):
    (first,) = make(volume, metadata={"team": "payroll", "old": "1"})
    (second,) = make(volume, metadata={"team": "it"})
    page = choose(alice, [first, second], kind="metadata")
    done = confirm(alice, page, **factories.rows(("team", "it"), ("until", "2027")))
    by_target = {row.target_snapshot: row for row in asked()}
    assert by_target[first].metadata == {"team": "it", "until": "2027"}
    assert by_target[second].metadata == {"until": "2027"}
    assert [row.removed_keys for row in asked()] == [[], []]
    assert "2 requests are recorded" in done.text


def test_snapshots_that_have_it_already_are_not_asked_for(alice, volume):
    (first,) = make(volume, metadata={"team": "it"})
    (second,) = make(volume)
    page = choose(alice, [first, second], kind="metadata")
    done = confirm(alice, page, **factories.rows(("team", "it")))
    assert [row.target_snapshot for row in asked()] == [second]
    assert "1 snapshot had this metadata already" in done.text
    page = choose(alice, [first], kind="metadata")
    again = confirm(alice, page, **factories.rows(("team", "it")))
    assert "exactly this metadata already" in again.text


@pytest.mark.parametrize(
    "pairs", [[], [("evsportal-operation", "x")], [("team", "a"), ("TEAM", "b")], [("Old", "2")]]
)
def test_bad_rows_are_said_and_nothing_is_asked(alice, volume, pairs):
    page = choose(alice, make(volume, metadata={"old": "1"}), kind="metadata")
    answer = confirm(alice, page, **factories.rows(*pairs))
    assert "Something is to be corrected" in answer.text
    assert asked() == []


def test_rows_come_and_go_without_javascript(alice, rows):
    page = choose(alice, rows, kind="metadata")
    more = confirm(alice, page, **factories.rows(("team", "it")), **{"add-row": "1"})
    assert [row.key for row in more.context["form"].rows] == ["team", ""]
    assert str(more.context["key"]) == str(page.context["key"])
    assert asked() == []


def test_looks_like_a_secret_needs_consent(alice, rows):
    page = choose(alice, rows, kind="metadata")
    pairs = factories.rows(("password", "hunter2hunter2"))
    assert "looks like" in confirm(alice, page, **pairs).text
    assert asked() == []
    confirm(alice, page, no_secret="true", **pairs)
    assert len(asked()) == 3
    action = Action.objects.filter(code=ActionCode.OPERATION_ASKED).first()
    assert "consent" in action.details


# --- what becomes of it ----------------------------------------------------------------------


@pytest.fixture
def batch(alice, rows):
    confirm(alice, choose(alice, rows))
    return asked()[0].batch


def test_page_counts_and_says_what_became_of_each(alice, batch):
    first, second, third = asked()
    Operation.objects.filter(pk=first.pk).update(state="accepted")
    Operation.objects.filter(pk=second.pk).update(
        state="refused", outcome_code="of_system", finished_at=timezone.now()
    )
    page = alice.get(f"/batches/{batch}/")
    counts = {"waiting": 1, "running": 1, "done": 0, "failed": 1, "cancelled": 0}
    assert page.context["counts"] == counts
    assert f'hx-get="/batches/{batch}/rows/"' in page.text
    assert '<meta http-equiv="refresh"' in page.text
    assert f'href="/requests/{third.pk}/"' in page.text


def test_page_stops_asking_when_all_have_ended(alice, batch):
    Operation.objects.update(state="succeeded", outcome_code="ready", finished_at=timezone.now())
    for address in (f"/batches/{batch}/", f"/batches/{batch}/rows/"):
        page = alice.get(address, headers={"HX-Request": "true"}).text
        assert f'hx-get="/batches/{batch}/rows/"' not in page
        assert 'http-equiv="refresh"' not in page


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 200), ("bob", 404), ("helen", 200), ("audrey", 200), ("nobody", 404)],
)
def test_batch_is_seen_as_its_requests_are(who, status, batch, request):
    browser = request.getfixturevalue(who)
    assert browser.get(f"/batches/{batch}/").status_code == status
    assert browser.get(f"/batches/{batch}/rows/").status_code == status


def test_batch_that_is_not_there(alice):
    assert alice.get(f"/batches/{uuid.uuid4()}/").status_code == 404


# --- how much it costs -----------------------------------------------------------------------


def test_queries_do_not_grow_with_the_rows(alice):
    volumes = [factories.volume(f"v{number}", granted_to=alice.user) for number in range(50)]
    chosen = [row for volume in volumes for row in make(volume, 2)]
    with CaptureQueriesContext(connection) as queries:
        page = choose(alice, chosen)
    assert len(queries) <= 20
    with CaptureQueriesContext(connection) as queries:
        done = confirm(alice, page, typed_count="100")
    assert len(asked()) == 100
    assert len(queries) <= 100 * 12 + 60
    with CaptureQueriesContext(connection) as queries:
        alice.get(done.redirect_chain[-1][0])
    assert len(queries) <= 20
