"""Deleting a snapshot and changing its metadata, as people ask for it on its page."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from snapshots.forms.deleting import DeleteForm
from snapshots.models import Maker, Operation, Snapshot
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(alice, volume):
    old = timezone.now() - timedelta(days=30)
    factories.foreign_snapshot(volume, name="other", created_at=old)
    return factories.foreign_snapshot(
        volume,
        name="weekly",
        created_at=old,
        metadata={"team": "payroll", "evsportal-operation": "x", "old": "1"},
    )


def page_of(row):
    return reverse("snapshots:snapshot", args=[row.cloud, row.snapshot_id])


def form_of(browser, row, kind):
    answer = browser.get(
        reverse("snapshots:change", args=[row.cloud, row.snapshot_id, kind]), follow=True
    )
    return answer, answer.context["form"]


def send(browser, row, kind, **fields):
    """From a page that was opened a moment ago, unless `seen` says otherwise."""
    key = str(uuid.uuid4())
    address = reverse(
        "snapshots:change", args=[row.cloud, row.snapshot_id, kind], query={"key": key}
    )
    if "seen" not in fields:
        page = browser.get(address)
        fields["seen"] = page.context["form"].seen_text if page.status_code == 200 else ""
    return browser.post(address, {"key": key, **fields}, follow=True)


def asked(kind):
    return Operation.objects.filter(kind=kind).first()


def test_page_offers_all_changes(alice, row):
    page = alice.get(page_of(row)).text
    for words in ("Rename the snapshot", "Change the metadata", "Delete the snapshot"):
        assert words in page


# --- deleting --------------------------------------------------------------------------------


def test_old_snapshot_with_others_is_deleted_by_one_click(alice, row):
    page, form = form_of(alice, row, "delete")
    assert "typed_name" not in form.fields
    assert "Nothing was" not in page.text
    done = send(alice, row, "delete", seen=form.seen_text)
    assert "Your request is recorded" in done.text
    assert asked("delete").target_snapshot == row
    assert "weekly" in done.text


@pytest.mark.parametrize("why", ["young", "only one"])
def test_snapshot_that_may_be_needed_is_named_by_typing(alice, row, why):
    if why == "young":
        Snapshot.objects.filter(pk=row.pk).update(listed_at=timezone.now() - timedelta(days=2))
    else:
        Snapshot.objects.exclude(pk=row.pk).update(gone_at=timezone.now())
    page, _ = form_of(alice, row, "delete")
    assert ("younger than 7 days" if why == "young" else "the only usable snapshot") in page.text
    for text in ("", "Weekly", "other"):
        assert "This is not its name" in send(alice, row, "delete", typed_name=text).text
    assert asked("delete") is None
    send(alice, row, "delete", typed_name="weekly")
    assert asked("delete") is not None


DOES_NOT_COUNT = {
    "broken": {"status": "error"},
    "being deleted": {"status": "deleting"},
    "being made": {"status": "creating"},
    "not listed": {"missing_since": timezone.now()},
    "deleted": {"gone_at": timezone.now()},
    "the backup service's": {"maker": Maker.SYSTEM},
}


@pytest.mark.parametrize("facts", DOES_NOT_COUNT.values(), ids=DOES_NOT_COUNT)
def test_only_what_people_can_go_back_to_counts(alice, row, facts):
    Snapshot.objects.exclude(pk=row.pk).update(**facts)
    assert "the only usable snapshot" in form_of(alice, row, "delete")[0].text
    send(alice, row, "delete", typed_name="")
    assert asked("delete") is None


def test_cloud_may_write_available_otherwise(alice, row):
    Snapshot.objects.exclude(pk=row.pk).update(status=" Available")
    assert "typed_name" not in form_of(alice, row, "delete")[1].fields


def test_two_pages_do_not_count_on_the_snapshot_of_the_other(alice, row):
    other = Snapshot.objects.get(name="other")
    seen = {each: form_of(alice, each, "delete")[1].seen_text for each in (row, other)}
    send(alice, row, "delete", seen=seen[row])
    page = send(alice, other, "delete", seen=seen[other])
    assert "the only usable snapshot" in page.text
    assert [made.target_snapshot for made in Operation.objects.all()] == [row]
    Operation.objects.update(state="cancelled", finished_at=timezone.now())
    send(alice, other, "delete", seen=seen[other])
    assert Operation.objects.count() == 2


def test_deletion_that_comes_first_in_the_last_moment(alice, row, monkeypatch):
    other, ask = Snapshot.objects.get(name="other"), DeleteForm.ask

    def ask_after_the_other(form, **arguments):
        factories.operation(alice.user, form.volume, kind="delete", target_snapshot=other)
        return ask(form, **arguments)

    monkeypatch.setattr(DeleteForm, "ask", ask_after_the_other)
    page = send(alice, row, "delete")
    assert "By now it is the only usable snapshot" in page.text
    assert "typed_name" in page.context["form"].fields
    assert not Operation.objects.filter(target_snapshot=row).exists()


def test_name_typed_on_a_page_that_asked_for_it_is_checked(alice, row):
    assert "not its name" in send(alice, row, "delete", typed_name="another").text
    assert asked("delete") is None


def test_renamed_since_the_form_was_shown_is_said(alice, row):
    _, form = form_of(alice, row, "delete")
    Snapshot.objects.filter(pk=row.pk).update(name="keep me")
    answer = send(alice, row, "delete", seen=form.seen_text)
    assert "has changed this since the page was opened" in answer.text
    assert "keep me" in answer.text
    assert asked("delete") is None
    again = send(alice, row, "delete", seen=answer.context["form"].seen_text)
    assert "Your request is recorded" in again.text


def test_snapshot_in_another_state_is_not_offered_for_deletion(alice, row):
    Snapshot.objects.filter(pk=row.pk).update(status="backing-up")
    page = alice.get(page_of(row)).text
    assert "this one is “backing-up”" in page
    assert "Delete the snapshot</a>" not in page
    answer = send(alice, row, "delete")
    assert "Nothing was asked." in answer.text
    assert asked("delete") is None


@pytest.mark.parametrize("kind", ["delete", "metadata", "rename"])
def test_stranger_auditor_and_system_s_snapshot_are_refused(alice, bob, audrey, row, kind):
    assert send(bob, row, kind).status_code == 404
    assert send(audrey, row, kind).status_code == 404
    Snapshot.objects.filter(pk=row.pk).update(maker="system")
    assert "backup service" in send(alice, row, kind).text
    assert asked(kind) is None


def test_name_with_markup_is_shown_as_text(alice, row):
    Snapshot.objects.filter(pk=row.pk).update(name="<b>x</b>", listed_at=timezone.now())
    page, _ = form_of(alice, row, "delete")
    assert "<b>x</b>" not in page.text
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text


# --- metadata --------------------------------------------------------------------------------


def test_rows_hold_what_people_may_change(alice, row):
    page, form = form_of(alice, row, "metadata")
    assert [(pair.key, pair.value) for pair in form.rows] == [("old", "1"), ("team", "payroll")]
    assert "evsportal-operation" not in page.text


def test_smallest_change_is_asked_for(alice, row):
    send(alice, row, "metadata", **factories.rows(("team", "it"), ("change", "CHG-7")))
    operation = asked("metadata")
    assert operation.metadata == {"team": "it", "change": "CHG-7"}
    assert operation.removed_keys == ["old"]


def test_unchanged_metadata_is_no_request(alice, row):
    answer = send(alice, row, "metadata", **factories.rows(("old", "1"), ("team", "payroll")))
    assert "exactly this metadata already" in answer.text
    assert asked("metadata") is None


@pytest.mark.parametrize(
    "pairs",
    [
        [("team", "a"), ("team", "b")],
        [("evsportal-operation", "x")],
        [("__system__x", "1")],
        [("k" * 300, "v")],
        [(f"k{number}", "v") for number in range(300)],
    ],
)
def test_bad_rows_are_said_and_nothing_is_asked(alice, row, pairs):
    answer = send(alice, row, "metadata", **factories.rows(*pairs))
    assert answer.context["form"].problems
    assert asked("metadata") is None


def pairs_in(page):
    return {pair.key: pair.value for pair in page.context["form"].rows if pair.key}


def test_entry_that_somebody_else_added_is_shown_before_it_can_be_removed(alice, row):
    _, form = form_of(alice, row, "metadata")
    Snapshot.objects.filter(pk=row.pk).update(metadata=row.metadata | {"keep": "bob"})
    mine = factories.rows(("team", "it"), ("old", "1"))
    page = send(alice, row, "metadata", seen=form.seen_text, **mine)
    assert "Metadata keep" in page.text
    assert pairs_in(page) == {"team": "it", "old": "1", "keep": "bob"}
    assert asked("metadata") is None
    shown = factories.rows(*pairs_in(page).items())
    send(alice, row, "metadata", seen=page.context["form"].seen_text, **shown)
    assert (asked("metadata").metadata, asked("metadata").removed_keys) == ({"team": "it"}, [])


def test_entry_of_somebody_else_is_removed_by_choice(alice, row):
    _, form = form_of(alice, row, "metadata")
    Snapshot.objects.filter(pk=row.pk).update(metadata=row.metadata | {"keep": "bob"})
    mine = factories.rows(("team", "it"), ("old", "1"))
    page = send(alice, row, "metadata", seen=form.seen_text, **mine)
    send(alice, row, "metadata", seen=page.context["form"].seen_text, **mine)
    assert asked("metadata").removed_keys == ["keep"]


def test_entries_that_were_only_shown_become_what_is_there_now(alice, row):
    """`team` is changed by both, `old` removed by the other, `also` changed by the other."""
    Snapshot.objects.filter(pk=row.pk).update(metadata=row.metadata | {"also": "1"})
    _, form = form_of(alice, row, "metadata")
    Snapshot.objects.filter(pk=row.pk).update(metadata={"team": "bob", "also": "2"})
    mine = factories.rows(("also", "1"), ("old", "1"), ("team", "it"))
    page = send(alice, row, "metadata", seen=form.seen_text, **mine)
    assert pairs_in(page) == {"also": "2", "team": "it"}
    lines = {
        row.label: (row.before, row.now, row.typed) for row in page.context["form"].differences
    }
    assert lines["Metadata team"] == ("payroll", "bob", "it")
    assert lines["Metadata old"] == ("1", None, "1")
    for words in ("<bdi>payroll</bdi>", "<bdi>bob</bdi>", "<bdi>it</bdi>", "Start again with what"):
        assert words in page.text


@pytest.mark.parametrize("button", [{"add-row": "1"}, {"remove-row": "7"}])
def test_rows_without_javascript_keep_what_the_page_showed(alice, row, button):
    _, form = form_of(alice, row, "metadata")
    Snapshot.objects.filter(pk=row.pk).update(metadata=row.metadata | {"keep": "bob"})
    mine = factories.rows(("team", "it"), ("old", "1"))
    page = send(alice, row, "metadata", seen=form.seen_text, **mine, **button)
    assert page.context["form"].seen_text == form.seen_text
    assert escape(form.seen_text) in page.text
    again = send(alice, row, "metadata", seen=page.context["form"].seen_text, **mine)
    assert "Metadata keep" in again.text
    assert asked("metadata") is None


def test_value_with_a_line_break_stays_where_it_was_not_touched(alice, row):
    """A field of one line shows and posts it without."""
    Snapshot.objects.filter(pk=row.pk).update(metadata={"a": "one\r\ntwo", "b": "1"})
    send(alice, row, "metadata", **factories.rows(("a", "onetwo"), ("b", "2")))
    assert (asked("metadata").metadata, asked("metadata").removed_keys) == ({"b": "2"}, [])


# --- renaming --------------------------------------------------------------------------------


def test_name_that_somebody_else_gave_stands_beside_yours(alice, row):
    _, form = form_of(alice, row, "rename")
    Snapshot.objects.filter(pk=row.pk).update(name="bobs", description="of bob")
    page = send(alice, row, "rename", seen=form.seen_text, name="mine", description="")
    lines = [(row.before, row.now, row.typed) for row in page.context["form"].differences]
    assert lines == [("", "of bob", ""), ("weekly", "bobs", "mine")]
    form = page.context["form"]
    assert (form["name"].value(), form["description"].value()) == ("mine", "of bob")
    assert asked("rename") is None
    send(alice, row, "rename", seen=form.seen_text, name="mine", description="of bob")
    assert (asked("rename").name, asked("rename").description) == ("mine", "of bob")


def test_rows_come_and_go_without_javascript(alice, row):
    more = send(alice, row, "metadata", **factories.rows(("team", "it")), **{"add-row": "1"})
    assert len(more.context["form"].rows) == 2
    assert more.context["form"].rows[0].value == "it"
    fewer = send(alice, row, "metadata", **factories.rows(("team", "it")), **{"remove-row": "0"})
    assert [pair.key for pair in fewer.context["form"].rows] == [""]
    assert asked("metadata") is None


def test_cloud_without_such_calls_does_not_offer_it(alice, row, monkeypatch):
    monkeypatch.setattr("snapshots.clouds.changes_metadata", lambda _cloud: False)
    page = alice.get(page_of(row)).text
    assert "cannot change the metadata" in page
    assert "Change the metadata</a>" not in page
    assert "Nothing was asked." in send(alice, row, "metadata").text


def test_list_of_requests_names_the_kind(alice, row):
    send(alice, row, "delete")
    page = alice.get("/requests/").text
    assert "weekly" in page
    assert "Delete a snapshot" in page


def test_cancelled_deletion_says_that_nothing_was_deleted(alice, row):
    send(alice, row, "delete")
    address = reverse("snapshots:cancel", args=[asked("delete").pk])
    assert "Nothing was deleted." in alice.post(address, follow=True).text


# --- what auditors read about it -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["delete", "metadata", "rollback", "restore"])
def test_record_of_a_change_compares_nothing(audrey, alice, volume, row, kind):
    operation = factories.operation(alice.user, volume, kind=kind, target_snapshot=row)
    body = '{"metadata": {"team": "it"}}' if kind == "metadata" else ""
    record = factories.exchange(operation, purpose=kind, method="POST", body=body)
    page = audrey.get(f"/audit/{record.id}/").text
    assert "Asked and kept" not in page
    assert "not readable" not in page


def test_restore_leaves_the_comparison_of_the_create(audrey, alice, volume):
    create = factories.operation(alice.user, volume, state="succeeded")
    snapshot = factories.snapshot(create)
    record = factories.exchange(create)
    factories.operation(
        alice.user,
        volume,
        kind="restore",
        state="succeeded",
        target_snapshot=snapshot,
        ago_seconds=5,
    )
    page = audrey.get(f"/audit/{record.id}/").text
    assert "A later request has changed the snapshot" not in page


def test_trail_names_the_removed_keys(alice, audrey, row):
    send(alice, row, "metadata", **factories.rows(("team", "payroll")))
    action = asked("metadata").actions.get()
    assert action.details["removed keys"] == "old"
