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
    monkeypatch.setattr("snapshots.operations.kinds.rollback.may_roll_back", lambda _: False)
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


def test_unlimited_quota_stops_nothing(helen, row):
    Quota.objects.all().delete()
    Quota.objects.create(
        cloud=row.cloud, resource="gigabytes", limit=-1, in_use=70, seen_at=timezone.now()
    )
    send(helen, row, "restore", size_gb="4000")
    assert asked("restore") is not None
