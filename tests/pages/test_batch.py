"""The same asked for several snapshots at once: confirming it, and what becomes of it."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.models import Action, ActionCode, Maker, Operation, VolumeGrant
from tests import factories
from tests.pages.batches import PAGE, asked, choose, confirm, confirmed, make, texts

pytestmark = pytest.mark.django_db


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
    assert f'data-live="/batches/{batch}/rows/"' in page.text
    assert '<meta http-equiv="refresh"' in page.text
    assert f'href="/requests/{third.pk}/"' in page.text


def test_page_stops_asking_when_all_have_ended(alice, batch):
    Operation.objects.update(state="succeeded", outcome_code="ready", finished_at=timezone.now())
    for address in (f"/batches/{batch}/", f"/batches/{batch}/rows/"):
        page = alice.get(address, headers={"HX-Request": "true"}).text
        assert 'data-changed=""' in page
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
