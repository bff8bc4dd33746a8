"""The people of the house's stories, each with a browser of their own, and a healthy portal."""

import uuid

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client

from snapshots import clouds
from snapshots.models import OperationState, Role, VolumeGrant
from snapshots.selectors import kept
from tests import factories as scene
from tests.pages.batches import make


@pytest.fixture(autouse=True)
def _house(db, settings):
    settings.EVSPORTAL_MODE = "sandbox"
    clouds.forget()
    cache.clear()
    scene.healthy_portal()


@pytest.fixture
def kept_for_a_second(monkeypatch):
    """What a process reads once a second is read once in the test."""
    monkeypatch.setattr(kept, "SECONDS", 60)
    kept.forget()


class Browser(Client):
    """Follows the blank form to its numbered address, as any browser does."""

    def get(self, path, *args, **options):
        options.setdefault("follow", path == "/snapshots/new/")
        return super().get(path, *args, **options)

    def head(self, path, *args, **options):
        options.setdefault("follow", path == "/snapshots/new/")
        return super().head(path, *args, **options)


def _browser(name: str) -> Client:
    browser = Browser()
    browser.user = scene.person(name)
    browser.force_login(browser.user)
    return browser


@pytest.fixture
def alice():
    return _browser("alice")


@pytest.fixture
def bob():
    return _browser("bob")


@pytest.fixture
def helen():
    return _browser("helen")


@pytest.fixture
def audrey():
    return _browser("audrey")


@pytest.fixture
def root():
    return _browser("root")


@pytest.fixture
def nobody():
    """Signed in, without any role."""
    return _browser("nobody")


@pytest.fixture
def volume(alice):
    return scene.volume(granted_to=alice.user)


@pytest.fixture
def operation(alice, volume):
    return scene.operation(alice.user, volume, state="accepted")


@pytest.fixture
def rows(volume):
    """Three that are deleted without typing: a fourth stays."""
    make(volume, name="stays")
    return make(volume, 3)


@pytest.fixture
def everything(alice, root):
    """Somebody with every role, and a portal with a bit of everything."""
    root.user.groups.set(Group.objects.filter(name__in=Role.values))
    volume = scene.volume("δίσκος", granted_to=alice.user)
    batch = uuid.uuid4()
    about = {"name": "στιγμή", "ticket": "CHG-1", "on_behalf_of": "Ωμέγα", "reason": "δοκιμή"}
    operations = [
        scene.operation(alice.user, scene.volume("δίσκος"), state=state, **about)
        for state in OperationState
    ]
    scene.operation(alice.user, volume, kind="delete", batch=batch, **about)
    made = scene.snapshot(operations[4], status="available")
    record = scene.exchange(operations[4])
    scene.anomaly(operations[4], names="δίσκος")
    team = Group.objects.create(name="ομάδα")
    VolumeGrant.objects.create(cloud=scene.CLOUD, user=alice.user, scope="cloud")
    VolumeGrant.objects.create(
        cloud=scene.CLOUD, group=team, scope="rule", volume_id=None, name_pattern="δ*"
    )
    return {
        "operation_id": [one.pk for one in operations],
        "snapshot_id": [made.snapshot_id],
        "volume_id": [volume.volume_id],
        "record_id": [record.id],
        "batch_id": [batch],
        "person_id": [alice.user.pk],
        "group_id": [team.pk],
        "grant_id": [VolumeGrant.objects.first().pk],
        "cloud": [volume.cloud],
        "kind": ["rename", "metadata", "delete", "rollback", "restore"],
        "name": ["refused", "unasked"],
        "uidb64": ["MQ"],
        "token": ["set-password"],
    }
