"""A portal with people and a cloud: the sandbox over real HTTP, its clock moved by the test."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import requests
from django.db import connection, connections
from django.utils import timezone

from snapshots import clouds
from snapshots.jobs.duties import SNAPSHOTS, start_duty
from snapshots.models import Duty, Operation, OperationKind, Snapshot, Volume, VolumeGrant
from snapshots.operations import perform
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.sandbox import scenarios
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.server import SandboxServer
from snapshots.worker import Loop


class Clock:
    """The cloud's clock; the test moves it."""

    def __init__(self):
        self.now = datetime.now(tz=UTC).timestamp()

    def __call__(self):
        return self.now

    def move(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sandbox(clock):
    options = SandboxOptions(clock=clock, slow_seconds=0.2, hold_seconds=5)
    with SandboxServer(options) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def pooled_connections(request):
    """On PostgreSQL a loop's threads share connections, as in a worker, if not by its own kind of
    pool: new connections for each step were half of the work of these tests.
    """
    if connection.vendor != "postgresql":
        yield
        return
    request.getfixturevalue("django_db_setup")
    blocker = request.getfixturevalue("django_db_blocker")
    options = connections.settings["default"]["OPTIONS"]
    with blocker.unblock():
        connection.close()  # it was made without
    options["pool"] = {"min_size": 1, "max_size": 20}
    yield
    try:
        with blocker.unblock():
            connection.close()
            connection.close_pool()
    finally:
        del options["pool"]


@pytest.fixture
def cloud(sandbox, settings, monkeypatch):
    """The portal is set to this sandbox, impatient, and tells when nothing is answered."""
    # A pause before a retry may be drawn as none; here each ends when the test says so.
    monkeypatch.setattr(perform, "random", SimpleNamespace(uniform=lambda *limits: 30 + limits[1]))
    settings.EVSPORTAL_SANDBOX_URL = sandbox.url
    settings.EVSPORTAL_CONNECT_SECONDS = 1
    settings.EVSPORTAL_READ_SECONDS = 0.6
    settings.EVSPORTAL_DEADLINE_SECONDS = 1
    settings.EVSPORTAL_WATCH_SECONDS = 30  # tests say themselves when to look
    settings.EVSPORTAL_SETTLE_SECONDS = 4
    clouds.forget()
    yield sandbox
    clouds.forget()


@pytest.fixture
def loop(transactional_db, cloud):
    loop = Loop()
    yield loop
    loop.stop()
    loop._pool.shutdown(wait=True)


@pytest.fixture
def ask(alice):
    """Ask for a snapshot of the seeded volume of this name, as alice."""

    def ask(volume_name="db-primary-data", **wanted):
        seed = next(one for one in scenarios.VOLUMES if one.name == volume_name)
        volume, _ = Volume.objects.get_or_create(
            cloud=clouds.SANDBOX,
            volume_id=seed.id,
            defaults={
                "name": seed.name,
                "status": seed.status,
                "size_gb": seed.size_gb,
                "seen_at": datetime.now(tz=UTC),
            },
        )
        VolumeGrant.objects.get_or_create(cloud=clouds.SANDBOX, scope="cloud", user=alice)
        request = OperationArguments(volume=volume, **wanted)
        return ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=request)[0]

    return ask


def console_headers(sandbox):
    """Of requests that people send themselves, beside the portal."""
    user = {
        "name": scenarios.USERNAME,
        "password": scenarios.PASSWORD,
        "domain": {"name": scenarios.DOMAIN},
    }
    auth = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"name": scenarios.PROJECT_NAME}},
    }
    login = requests.post(f"{sandbox.url}/v3/auth/tokens", json={"auth": auth}, timeout=5)
    return {"X-Auth-Token": login.headers["X-Subject-Token"]}


@pytest.fixture
def by_hand(sandbox):
    """Make a snapshot as the cloud's console would, with any metadata."""

    def make(volume_name, *, name="", metadata=None):
        seed = scenarios.volume_named(volume_name)
        body = {"volume_id": seed.id, "name": name, "metadata": metadata or {}}
        made = requests.post(
            f"{sandbox.url}/v2/{scenarios.PROJECT_ID}/snapshots",
            json={"snapshot": body},
            headers=console_headers(sandbox),
            timeout=5,
        )
        assert made.status_code == 202, made.text
        return made.json()["snapshot"]["id"]

    return make


@pytest.fixture
def make(loop, ask, clock):
    """An available snapshot that the portal made."""

    def make(volume="reports", name="before"):
        operation = ask(volume, name=name)
        loop.run_until_idle()
        clock.move(60)
        look_again(loop)
        return Snapshot.objects.get(operation=operation)

    return make


@pytest.fixture
def roll_back(helen):
    def roll_back(snapshot, *, person=helen, needs=None):
        arguments = OperationArguments(
            kind=OperationKind.ROLLBACK,
            volume=Volume.objects.get(volume_id=snapshot.volume_id),
            target_snapshot=snapshot,
            needs=needs,
        )
        return ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)[0]

    return roll_back


@pytest.fixture
def as_cinder(cloud, monkeypatch):
    """The sandbox as a plain Cinder, which has a revert instead of a rollback."""
    config = dataclasses.replace(clouds._sandbox_config(), dialect="native-v3")
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()


def look_again(loop):
    """The next reading of the cloud's snapshots comes now, and what follows from it."""
    Duty.objects.filter(kind="watch").update(due_at=timezone.now())
    loop.run_until_idle()


def exchanges_of(operation):
    """The operation's exchanges as an auditor reads them."""
    return [
        f"{one.purpose} {one.method} {one.answer.status or one.answer.error}"
        for one in Operation.objects.get(pk=operation.pk)
        .exchanges.exclude(purpose="login")
        .order_by("seq")
    ]


def let_time_pass(operation, seconds):
    """Everything that the operation waits for comes nearer by so many seconds."""
    gone_by = timedelta(seconds=seconds)
    operation.refresh_from_db()
    for name in ("due_at", "sent_at", "asked_at", "failing_since"):
        if getattr(operation, name):
            setattr(operation, name, getattr(operation, name) - gone_by)
    operation.save()


@pytest.fixture
def read(loop):
    """One whole reading of the project's snapshots."""

    def read():
        start_duty(SNAPSHOTS, "sandbox", due_at=timezone.now())
        Duty.objects.filter(kind=SNAPSHOTS).update(due_at=timezone.now())
        loop.run_until_idle()
        return Duty.objects.get(kind=SNAPSHOTS)

    return read


def snapshots_in(sandbox):
    """Every snapshot the cloud holds, by the cloud's own count."""
    return requests.get(f"{sandbox.url}/_sandbox/snapshots", timeout=5).json()["snapshots"]


def control(sandbox, method, path, **options):
    """The sandbox's own routes: what no cloud has, for tests."""
    answer = requests.request(method, f"{sandbox.url}/_sandbox/{path}", timeout=5, **options)
    answer.raise_for_status()
