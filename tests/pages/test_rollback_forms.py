"""Rolling a volume back and restoring a snapshot, as people ask for them on its page."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from snapshots import clouds
from snapshots.models import Action, Operation, Quota, Snapshot, Volume
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def volume():
    return factories.volume("web-01-data")


@pytest.fixture
def row(volume):
    return factories.foreign_snapshot(volume, name="weekly")


@pytest.fixture
def as_cinder(monkeypatch):
    config = dataclasses.replace(clouds._sandbox_config(), dialect="native-v3")
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()
    yield
    clouds.forget()


def page_of(row):
    return reverse("snapshots:snapshot", args=[row.cloud, row.snapshot_id])


def form_of(browser, row, kind):
    address = reverse("snapshots:change", args=[row.cloud, row.snapshot_id, kind])
    return browser.get(address, follow=True)


def send(browser, row, kind, *, key=None, **fields):
    key = key or str(uuid.uuid4())
    address = reverse(
        "snapshots:change", args=[row.cloud, row.snapshot_id, kind], query={"key": key}
    )
    if "seen" not in fields:
        page = browser.get(address)
        is_open = page.status_code == 200 and "form" in page.context
        fields["seen"] = page.context["form"].seen_text if is_open else ""
    return browser.post(address, {"key": key, **fields}, follow=True)


def asked(kind):
    return Operation.objects.filter(kind=kind).first()


# --- rolling back ----------------------------------------------------------------------------


def test_volume_is_named_and_a_fresh_snapshot_comes_first(helen, row, volume):
    page = form_of(helen, row, "rollback")
    assert page.context["form"]["fresh_snapshot"].value() == "true"
    assert "Type “web-01-data” to confirm" in page.text
    done = send(
        helen, row, "rollback", typed_name="web-01-data", fresh_snapshot="true", ticket="CHG-9"
    )
    assert "Your request is recorded" in done.text
    operation, fresh = asked("rollback"), asked("create")
    assert operation.needs == fresh
    assert fresh.asked_at < operation.asked_at
    assert (fresh.volume_id, fresh.ticket, fresh.force) == (volume.volume_id, "CHG-9", False)
    assert Action.objects.filter(code="operation:ask").count() == 2


def test_fresh_snapshot_is_left_out_when_unticked(helen, row):
    send(helen, row, "rollback", typed_name="web-01-data")
    assert (asked("rollback").needs, asked("create")) == (None, None)


def test_second_submit_finds_both(helen, row):
    key = str(uuid.uuid4())
    for _ in range(2):
        send(helen, row, "rollback", key=key, typed_name="web-01-data", fresh_snapshot="true")
    assert Operation.objects.count() == 2


@pytest.mark.parametrize("typed", ["", "web-01", "Web-01-data", "weekly"])
def test_wrong_name_asks_nothing(helen, row, typed):
    answer = send(helen, row, "rollback", typed_name=typed, fresh_snapshot="true")
    assert "This is not the volume&#x27;s name" in answer.text or "not the volume's" in answer.text
    assert not Operation.objects.exists()


def test_volume_without_a_name_is_confirmed_by_id(helen, row):
    Volume.objects.update(name="")
    send(helen, row, "rollback", typed_name=row.volume_id)
    assert asked("rollback") is not None


def test_volume_in_use_is_refused_with_the_way_there(helen, row):
    Volume.objects.update(status="in-use")
    assert "detach the volume from the server" in helen.get(page_of(row)).text
    send(helen, row, "rollback", typed_name="web-01-data")
    assert asked("rollback") is None


def test_after_a_failed_rollback_no_fresh_snapshot_is_offered(helen, row):
    Volume.objects.update(status="error_rollbacking")
    form = form_of(helen, row, "rollback").context["form"]
    assert "fresh_snapshot" not in form.fields
    send(helen, row, "rollback", typed_name="web-01-data")
    assert asked("rollback").needs is None


def test_ticked_fresh_snapshot_is_never_left_out_silently(helen, row):
    seen = form_of(helen, row, "rollback").context["form"].seen_text
    Volume.objects.update(status="error_rollbacking")
    fields = {"typed_name": "web-01-data", "fresh_snapshot": "true"}
    page = send(helen, row, "rollback", seen=seen, **fields)
    assert "“Take a fresh snapshot of the volume first” is no longer possible." in page.text
    assert "The volume is “error_rollbacking”, which does not allow a fresh snapshot" in page.text
    assert "Status of the volume" in page.text
    form = page.context["form"]
    assert (form["typed_name"].value(), "fresh_snapshot" in form.fields) == ("", False)
    assert not Operation.objects.exists()
    send(helen, row, "rollback", seen=form.seen_text, typed_name="web-01-data")
    assert asked("rollback").needs is None


def test_fresh_snapshot_that_was_not_offered_before_is_offered_ticked(helen, row):
    Volume.objects.update(status="error_rollbacking")
    seen = form_of(helen, row, "rollback").context["form"].seen_text
    Volume.objects.update(status="available")
    page = send(helen, row, "rollback", seen=seen, typed_name="web-01-data")
    assert "error_rollbacking" in page.text
    assert page.context["form"]["fresh_snapshot"].value() == "true"
    assert not Operation.objects.exists()


def test_another_status_alone_is_to_be_looked_at(helen, row):
    Volume.objects.update(status="error_rollbacking")
    seen = form_of(helen, row, "rollback").context["form"].seen_text
    Volume.objects.update(status="available")
    send(helen, row, "rollback", seen=seen, typed_name="web-01-data", fresh_snapshot="true")
    assert not Operation.objects.exists()


def test_what_needs_no_box_any_more_is_still_an_error(as_cinder, helen, row):
    answer = send(helen, row, "rollback", typed_name="web-01-data", fresh_snapshot="true")
    assert "it would be the newest" in answer.context["form"].non_field_errors()[0]
    assert not Operation.objects.exists()


@pytest.mark.parametrize("seen", ["", "x", "[]", "{}", '{"name": 1}', '"\\ud800"', "[" * 9999])
@pytest.mark.parametrize("kind", ["rollback", "restore", "rename", "metadata", "delete"])
def test_damaged_form_asks_nothing(helen, row, kind, seen):
    answer = send(helen, row, kind, seen=seen, typed_name="web-01-data", size_gb="40", name="x")
    assert answer.status_code == 200
    assert answer.context["form"].non_field_errors()
    assert not Operation.objects.exists()


@pytest.mark.parametrize("kind", ["rollback", "restore"])
def test_unavailable_snapshot_is_not_offered(helen, row, kind):
    Snapshot.objects.update(status="error")
    assert "this one is “error”" in helen.get(page_of(row)).text
    send(helen, row, kind, typed_name="web-01-data", size_gb="40")
    assert asked(kind) is None


@pytest.mark.parametrize(
    ("kind", "right"), [("rollback", "roll_back_volume"), ("restore", "restore_volume")]
)
def test_staff_need_the_right(alice, row, volume, kind, right):
    factories.VolumeGrant.objects.create(
        cloud=volume.cloud, volume_id=volume.volume_id, user=alice.user
    )
    fields = {"typed_name": "web-01-data", "size_gb": "40"}
    assert "Your role does not include this" in send(alice, row, kind, **fields).text
    assert asked(kind) is None
    alice.user.user_permissions.add(Permission.objects.get(codename=right))
    send(alice, row, kind, **fields)
    assert asked(kind) is not None


def test_refusal_is_on_record_though_nothing_was_asked(helen, row, monkeypatch):
    """The right was taken away after the form had been checked."""
    monkeypatch.setattr("snapshots.operations.kinds.base.may", lambda *_: False)
    answer = send(helen, row, "rollback", typed_name="web-01-data", fresh_snapshot="true")
    assert "Your role does not include this." in answer.text
    assert not Operation.objects.exists()
    assert Action.objects.get(code="operation:ask:refused").details["kind"] == "rollback"


def test_cinder_offers_no_fresh_snapshot_and_says_why(as_cinder, helen, row):
    page = form_of(helen, row, "rollback")
    assert "fresh_snapshot" not in page.context["form"].fields
    assert "it would be the newest" in page.text


def test_cinder_rolls_back_to_the_newest_only(as_cinder, helen, row, volume):
    factories.foreign_snapshot(volume, created_at=timezone.now() - timedelta(hours=1))
    assert "only to the newest snapshot" in helen.get(page_of(row)).text
    send(helen, row, "rollback", typed_name="web-01-data")
    assert asked("rollback") is None


def test_cinder_needs_the_same_size(as_cinder, helen, row):
    Volume.objects.update(size_gb=50)
    assert "size of the snapshot any more" in helen.get(page_of(row)).text


HARD_NAMES = {
    "line break": ("web\n01", "web 01", "one space for each line break"),
    "gaps": (" web  01\u00a0data ", "web 01 data", "one space for each line break"),
    "right to left mark": ("web\u202e01", None, "Its name cannot be typed"),
    "control character": ("web\x0701", None, "Its name cannot be typed"),
    "unseen": ("web\u200b", None, "Its name cannot be typed"),
    "white space alone": (" \n ", None, "Its name cannot be typed"),
    "decomposed": ("s\u0327", "\u015f", "Type “\u015f” to confirm."),
    "Hebrew": ("\u05d0\u05d1", "\u2068\u05d0\u05d1\u2069", "Type “\u2068\u05d0\u05d1\u2069” to"),
}


@pytest.mark.parametrize(("name", "typed", "words"), HARD_NAMES.values(), ids=HARD_NAMES)
@pytest.mark.parametrize("kind", ["rollback", "delete"])
def test_every_name_can_be_confirmed(helen, row, kind, name, typed, words):
    Volume.objects.update(name=name)
    Snapshot.objects.update(name=name)
    typed = typed or (row.volume_id if kind == "rollback" else row.snapshot_id)
    text = form_of(helen, row, kind).text
    assert words in text
    assert f"“{typed}”" in text
    for wrong in ("", " ", "web", row.cloud):
        send(helen, row, kind, typed_name=wrong)
    assert asked(kind) is None
    send(helen, row, kind, typed_name=typed)
    assert asked(kind) is not None


# --- restoring -------------------------------------------------------------------------------


def test_new_volume_is_asked_for(helen, row):
    form = form_of(helen, row, "restore").context["form"]
    assert form["size_gb"].value() == "40"
    send(helen, row, "restore", name="copy", description="", size_gb="60")
    operation = asked("restore")
    assert (operation.name, operation.size_gb, operation.target_snapshot) == ("copy", 60, row)


@pytest.mark.parametrize("size", ["39", "", "x", "-1", "1e3", "99999999999"])
def test_impossible_size_is_said_at_its_field(helen, row, size):
    answer = send(helen, row, "restore", size_gb=size)
    assert answer.context["form"].errors["size_gb"]
    assert asked("restore") is None


def test_smallest_disk_of_evs_is_ten(helen, row):
    Snapshot.objects.update(size_gb=1)
    assert "at least 10 GiB" in send(helen, row, "restore", size_gb="9").text
    send(helen, row, "restore", size_gb="10")
    assert asked("restore").size_gb == 10


def test_cinder_restores_small_disks(as_cinder, helen, row):
    Snapshot.objects.update(size_gb=1)
    send(helen, row, "restore", size_gb="1")
    assert asked("restore").size_gb == 1


@pytest.mark.parametrize("resource", ["gigabytes", "gigabytes_SSD"])
def test_quota_is_foreseen(helen, row, resource):
    Quota.objects.all().delete()
    Quota.objects.create(
        cloud=row.cloud, resource=resource, limit=100, in_use=70, seen_at=timezone.now()
    )
    answer = send(helen, row, "restore", size_gb="40")
    assert "only 30 GiB left" in answer.context["form"].errors["size_gb"][0]
    assert asked("restore") is None


def test_full_quota_of_volumes_is_said_on_the_page_of_the_snapshot(helen, row):
    facts = {"cloud": row.cloud, "resource": "volumes", "seen_at": timezone.now()}
    quota = Quota.objects.create(limit=10, in_use=9, reserved=1, **facts)
    assert "quota of 10 volumes is used up" in helen.get(page_of(row)).text
    send(helen, row, "restore", size_gb="40")
    assert asked("restore") is None
    Quota.objects.filter(pk=quota.pk).update(reserved=0)
    for limit, in_use in ((10, 9), (-1, 9), (10, None)):
        Quota.objects.filter(pk=quota.pk).update(limit=limit, in_use=in_use)
        assert "volumes is used up" not in helen.get(page_of(row)).text


def test_unlimited_quota_stops_nothing(helen, row):
    Quota.objects.all().delete()
    Quota.objects.create(
        cloud=row.cloud, resource="gigabytes", limit=-1, in_use=70, seen_at=timezone.now()
    )
    send(helen, row, "restore", size_gb="4000")
    assert asked("restore") is not None
