"""`manage cloud_ping`: what a person checks of a cloud, and the rehearsal with one snapshot."""

import os
import re
import signal
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from snapshots import clouds, sandbox_account
from snapshots.management import rehearsal
from snapshots.models import CloudHealth, Exchange, Operation
from snapshots.sandbox import scenarios
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.scenarios import Trouble
from snapshots.sandbox.server import SandboxServer
from tests.operations.conftest import snapshots_in
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(monkeypatch):
    """A cloud that makes snapshots in a moment of real time, and a person who looks often."""
    monkeypatch.setattr(rehearsal, "_LOOK_SECONDS", 0.02)
    return SandboxOptions(seconds=0.1, hold_seconds=5)


@pytest.fixture
def ping(quick, settings):
    """Runs the command against a sandbox; `ping.sandbox` is the cloud."""
    with SandboxServer(quick) as server:
        settings.EVSPORTAL_SANDBOX_URL = server.url
        settings.EVSPORTAL_READ_SECONDS = 1
        settings.EVSPORTAL_DEADLINE_SECONDS = 2
        clouds.forget()
        yield Ping(server)
    clouds.forget()


class Ping:
    def __init__(self, sandbox):
        self.sandbox = sandbox

    def __call__(self, *words):
        """The command's lines by label; `failed` holds what it ended with."""
        out = StringIO()
        ended = ""
        try:
            call_command("cloud_ping", *words, stdout=out, stderr=out)
        except CommandError as error:
            ended = str(error)
        lines = dict(re.findall(r"^  (\w+) +(.*)$", out.getvalue(), re.MULTILINE))
        return lines | {"ended": ended, "all": out.getvalue()}


def free_volume():
    return next(
        one
        for one in scenarios.VOLUMES
        if one.status == "available"
        and one.trouble is Trouble.NONE
        and one.project_id == scenarios.PROJECT_ID
    )


def volume_with(trouble):
    return next(one for one in scenarios.VOLUMES if one.trouble is trouble)


def test_ping_tells_everything_to_check(ping):
    told = ping()
    mine = [one for one in scenarios.VOLUMES if one.project_id == scenarios.PROJECT_ID]
    assert told["ended"] == ""
    assert told["cloud"] == "sandbox (simulated)"
    assert told["region"] == scenarios.REGION
    assert told["project"] == f"{scenarios.PROJECT_NAME} ({scenarios.PROJECT_ID})"
    assert told["identity"] == ping.sandbox.auth_url
    assert told["user"] == f"{scenarios.USERNAME} of {scenarios.DOMAIN}"
    assert told["endpoint"] == f"{ping.sandbox.url}/v2/{scenarios.PROJECT_ID}"
    assert told["dialect"] == "native-v2"
    assert told["volumes"] == f"{len(mine)} seen"
    assert told["snapshots"] == "0 seen"
    assert told["servers"] == "3 seen"
    assert re.fullmatch(r"snapshots 0 of 2,000, gigabytes [\d,]+ of 500,000", told["quota"])
    assert told["clock"] == "the cloud's agrees with this machine's"
    assert told["metadata"].startswith("not tried yet")
    assert "unknown whether this cloud has it" in told["rollback"]


def test_ping_lines_are_aligned(ping):
    words = re.findall(r"^  \w+ +", ping()["all"], re.MULTILINE)
    assert len({len(one) for one in words}) == 1


def test_ping_is_recorded_and_closes_the_breaker(ping):
    CloudHealth.objects.create(cloud="sandbox", fails=3, retry_at=timezone.now())
    ping()
    assert {one.purpose for one in Exchange.objects.all()} == {"login", "ping"}
    assert CloudHealth.objects.get().retry_at is None


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (30, r"the cloud's is (29|30|31) s ahead of this machine's"),
        (-300, r"WARNING: the cloud's is (299|300|301) s behind this machine's; set this .*"),
    ],
)
def test_clock_difference_is_told(ahead, words, settings):
    def clock():
        return timezone.now().timestamp() + ahead

    with SandboxServer(SandboxOptions(clock=clock)) as server:
        settings.EVSPORTAL_SANDBOX_URL = server.url
        clouds.forget()
        assert re.fullmatch(words, Ping(server)()["clock"])
    clouds.forget()


def test_refused_sign_in_is_told_with_what_is_known(ping, monkeypatch):
    monkeypatch.setattr(sandbox_account, "PASSWORD", "not-the-password")
    told = ping()
    assert "refused our sign-in" in told["failed"]
    assert told["identity"] == ping.sandbox.auth_url
    assert told["user"] == f"{scenarios.USERNAME} of {scenarios.DOMAIN}"
    assert told["ended"] == "Not as it should be: sandbox."
    assert "not-the-password" not in told["all"] + str(list(Exchange.objects.values()))


def test_each_cloud_is_tried_when_the_first_fails(ping, settings, tmp_path):
    auth = (
        f"username: {scenarios.USERNAME}, password: {scenarios.PASSWORD}, user_domain_name:"
        f" {scenarios.DOMAIN}, project_name: {scenarios.PROJECT_NAME}"
    )
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds:\n"
        f"  dead: {{auth: {{auth_url: 'http://127.0.0.1:1/v3', {auth}}}}}\n"
        f"  alive: {{region_name: {scenarios.REGION},"
        f" auth: {{auth_url: '{ping.sandbox.auth_url}', {auth}}}}}\n"
    )
    path.chmod(0o600)
    settings.EVSPORTAL_MODE = "cloud"
    settings.EVSPORTAL_CLOUDS = str(path)
    told = ping()
    assert "No connection to 127.0.0.1:1" in told["failed"]
    assert told["cloud"] == "alive"
    assert told["volumes"].endswith(" seen")
    assert told["ended"] == "Not as it should be: dead."
    assert "Name the cloud that has the volume" in ping("--create", "x")["ended"]


def test_unknown_cloud_lists_the_known(ping):
    assert "There are: sandbox" in ping("nowhere")["ended"]


# --- the rehearsal -------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["id", "name"])
def test_rehearsal_makes_and_deletes_one_snapshot(ping, field):
    told = ping("--create", getattr(free_volume(), field))
    assert told["ended"] == ""
    assert "left" not in told
    for words in ("asked for", "available after", "came back as sent", "deleted and gone"):
        assert words in told["all"]
    assert snapshots_in(ping.sandbox) == []
    changes = Exchange.objects.exclude(method="GET").exclude(purpose="login").order_by("seq")
    assert [(one.method, one.purpose, one.background) for one in changes] == [
        ("POST", "ping", False),
        ("DELETE", "ping", False),
    ]
    assert "evsportal-ping" in changes[0].body
    assert Operation.objects.count() == 0
    assert ping()["metadata"].startswith("the cloud keeps the portal's mark")


@pytest.mark.parametrize(
    "trouble",
    [Trouble.ANSWER_CUT, Trouble.ERROR_500, Trouble.UNKNOWN_STATUS, Trouble.ENDS_IN_ERROR],
)
def test_rehearsal_with_trouble_leaves_nothing_or_says_so(ping, trouble):
    told = ping("--create", volume_with(trouble).id, "--seconds", "3")
    left = snapshots_in(ping.sandbox)
    assert (left == []) == ("left" not in told), told["all"]
    for one in left:
        assert one["id"] in told["left"]
        assert "delete it there" in told["left"]


def test_metadata_that_is_dropped_is_told(ping):
    told = ping("--create", volume_with(Trouble.DROPS_METADATA).id)
    assert "was DROPPED by the cloud" in told["all"]
    assert ping()["metadata"].startswith("the cloud DROPS the portal's mark")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_rehearsal_names_what_it_leaves(ping, number):
    def stop():
        until(lambda: snapshots_in(ping.sandbox))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=stop)
    thread.start()
    told = ping("--create", volume_with(Trouble.TAKES_LONG).id)
    thread.join()
    (left,) = snapshots_in(ping.sandbox)
    assert told["failed"] == "You stopped it."
    assert left["name"] in told["left"]
    assert told["ended"] == "Not as it should be: sandbox."


def test_rehearsal_that_takes_too_long_says_what_it_leaves(ping):
    told = ping("--create", volume_with(Trouble.TAKES_LONG).id, "--seconds", "0.3")
    (left,) = snapshots_in(ping.sandbox)
    assert left["id"] in told["left"]
    assert "was still creating after 0.3 s" in told["failed"]


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda: "no-such-volume", "shows no volume with the id or name 'no-such-volume'"),
        (lambda: volume_with(Trouble.VOLUME_IN_ERROR).id, "is error: take another"),
        (
            lambda: next(one.id for one in scenarios.VOLUMES if one.status == "in-use"),
            "is in use: take another, or add --force",
        ),
    ],
    ids=["unknown", "in error", "in use"],
)
def test_unusable_volume_is_refused_before_any_create(ping, choose, words):
    told = ping("--create", choose())
    assert words in told["failed"]
    assert not Exchange.objects.filter(method="POST").exclude(purpose="login").exists()


def test_volume_in_use_is_taken_with_force(ping):
    volume = next(one for one in scenarios.VOLUMES if one.status == "in-use")
    told = ping("--create", volume.id, "--force")
    assert told["ended"] == "", told["all"]
