"""The names of servers: from the compute service, else from a file. They hurt nothing else."""

import dataclasses
import logging
import os
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots import clouds
from snapshots.clouds.health import closed_off_clouds
from snapshots.database.transactions import in_transaction
from snapshots.mirror import ServerNames, changes_of_servers, name_servers_of
from snapshots.models import CloudHealth, Duty, Exchange, Server, Volume
from snapshots.operations.server_files import given_names
from snapshots.sandbox import identity, scenarios
from snapshots.selectors.silence import silent_since
from tests import factories
from tests.operations.conftest import control

WEB, DB, NODE = (scenarios.server_id(name) for name in ("web-01", "db-primary", "node-1"))
HEAD = "cloud,server_id,name\n"


@pytest.fixture
def cloud(cloud, settings):
    """Patient: nothing here hangs."""
    settings.EVSPORTAL_READ_SECONDS = settings.EVSPORTAL_DEADLINE_SECONDS = 20
    clouds.forget()
    return cloud


@pytest.fixture
def read(loop):
    """One reading of the servers, after one of the volumes."""
    loop._enlist()
    loop.run_until_idle()

    def read():
        Duty.objects.filter(kind="servers").update(due_at=timezone.now())
        loop.run_until_idle()
        return Duty.objects.get(kind="servers")

    read()
    return read


@pytest.fixture
def file(settings, tmp_path):
    """Writes the file of names."""
    path = tmp_path / "servers.csv"
    settings.EVSPORTAL_SERVER_NAMES = str(path)

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    return write


def servers_of(volume_name):
    return Volume.objects.get(name=volume_name).servers


def answer_next(sandbox, status, body):
    plan = {"method": "GET", "path": "/servers/detail", "status": status, "body": body}
    control(sandbox, "POST", "faults", json=plan)


def with_config(monkeypatch, **changes):
    config = dataclasses.replace(clouds._sandbox_config(), **changes)
    monkeypatch.setattr(clouds, "_sandbox_config", lambda: config)
    clouds.forget()


def rests(duty):
    return (duty.due_at - timezone.now()).total_seconds()


def test_names_stand_at_the_volumes(read):
    assert servers_of("web-01-system") == {WEB: "web-01"}
    assert servers_of("cluster-quorum") == {NODE: ""}
    assert servers_of("web-01-logs") == {}
    assert dict(Server.objects.values_list("server_id", "name")) == {
        WEB: "web-01",
        DB: "db-primary",
    }
    duty = Duty.objects.get(kind="servers")
    assert (duty.trouble_code, duty.fails) == ("", 0)
    assert 290 < rests(duty) <= 300


def test_reading_is_recorded_as_background(read):
    exchange = Exchange.objects.filter(purpose="servers").latest("seq")
    assert exchange.background
    assert (exchange.method, exchange.answer.status) == ("GET", 200)
    assert exchange.url.endswith(f"/v2.1/{scenarios.PROJECT_ID}/servers/detail?limit=100")


@pytest.mark.parametrize(
    "name", ["web-02", "خادم الويب", "<b>&", "ş" * 127, "x" * 255, 'a"b\\c', "---"]
)
def test_renamed_server_has_its_new_name(read, sandbox, name):
    control(sandbox, "POST", f"servers/{WEB}", json={"name": name})
    read()
    assert servers_of("web-01-system") == {WEB: name}


def test_name_that_was_taken_away_goes(read, sandbox):
    control(sandbox, "POST", f"servers/{WEB}", json={"name": None})
    read()
    assert servers_of("web-01-system") == {WEB: ""}
    assert not Server.objects.filter(server_id=WEB).exists()


def test_volume_read_later_gets_the_name_at_once(read, loop):
    Volume.objects.filter(name="web-01-system").delete()
    Duty.objects.filter(kind="inventory").update(due_at=timezone.now())
    loop.run_until_idle()
    assert servers_of("web-01-system") == {WEB: "web-01"}


def test_only_what_changed_is_written(read):
    now = timezone.now()
    names = ServerNames(listed=None, given={})
    assert changes_of_servers("sandbox", names, now=now).changed == []
    changed = changes_of_servers("sandbox", ServerNames(listed=None, given={WEB: "w"}), now=now)
    assert [row.server_id for row in changed.changed] == [WEB]


def test_volumes_get_new_names_in_one_statement(read):
    """People who ask for something wait for the volumes' rows meanwhile."""
    volumes = Volume.objects.filter(server_ids__isnull=False)
    unnamed = set(volumes.filter(server_names__isnull=True))
    before = dict(volumes.values_list("pk", "server_names"))
    keys = list(before)
    volumes.update(server_names={"x": "y"})
    with CaptureQueriesContext(connection) as statements:
        in_transaction(lambda: name_servers_of("sandbox", keys))
    assert len(keys) > 1
    assert sum(row["sql"].startswith("UPDATE") for row in statements) == 1
    assert dict(volumes.values_list("pk", "server_names")) == before
    assert set(volumes.filter(server_names__isnull=True)) == unnamed


def test_hundreds_of_servers_are_read_in_pages(read, sandbox):
    control(sandbox, "POST", "servers", json={"count": 1100, "name": "load"})
    before = Exchange.objects.filter(purpose="servers").count()
    read()
    assert Server.objects.filter(cloud="sandbox").count() == 1102
    assert Exchange.objects.filter(purpose="servers").count() == before + 12
    assert servers_of("web-01-system") == {WEB: "web-01"}


def test_server_that_is_not_listed_keeps_its_name_for_a_month(read, sandbox):
    control(sandbox, "DELETE", f"servers/{WEB}")
    read()
    assert Server.objects.get(server_id=WEB).gone_at is not None
    assert servers_of("web-01-system") == {WEB: "web-01"}
    long_ago = timezone.now() - timedelta(days=31)
    Server.objects.filter(server_id=WEB).update(gone_at=long_ago)
    read()
    assert servers_of("web-01-system") == {WEB: ""}


def test_server_that_is_listed_again_is_there_again(read):
    Server.objects.update(gone_at=timezone.now() - timedelta(days=40))
    read()
    assert not Server.objects.filter(gone_at__isnull=False).exists()


def test_unreadable_row_hides_no_other_server(read, sandbox):
    answer_next(sandbox, 200, {"servers": [{"id": WEB, "name": "w"}, {"name": "lost"}, 7]})
    assert read().trouble_code == "unreadable_rows"
    assert servers_of("web-01-system") == {WEB: "w"}
    assert not Server.objects.filter(gone_at__isnull=False).exists()


# --- an account that may not, and a service that is away ---------------------------------------


def test_account_that_may_not_is_no_outage(read, sandbox, caplog):
    sandbox.sandbox.options = dataclasses.replace(sandbox.sandbox.options, may_list_servers=False)
    with caplog.at_level(logging.WARNING, "snapshots.duties.servers"):
        duties = [read(), read()]
    assert [(duty.trouble_code, duty.fails) for duty in duties] == [("Forbidden", 0)] * 2
    assert 3590 < rests(duties[-1]) <= 3600
    assert len(caplog.records) == 1
    assert servers_of("web-01-system") == {WEB: "web-01"}
    assert CloudHealth.objects.get().failing_since is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": {"code": 401, "message": "No."}}, "AuthFailed"),
        (404, {"itemNotFound": {"code": 404, "message": "No."}}, "NotFound"),
        (404, {"error_code": "APIGW.0101", "error_msg": "No such API."}, "NoSuchApi"),
    ],
)
def test_other_refusals_are_none_either(read, sandbox, status, body, error):
    for _ in range(2):  # 401: once more with a new token
        answer_next(sandbox, status, body)
    duty = read()
    assert (duty.trouble_code, duty.fails) == (error, 0)
    assert rests(duty) > 3590
    assert CloudHealth.objects.get().failing_since is None


def test_catalog_without_compute_service_is_asked_again_rarely(loop, monkeypatch):
    services = identity.catalog_content
    monkeypatch.setattr(
        identity,
        "catalog_content",
        lambda *about: [entry for entry in services(*about) if entry["type"] != "compute"],
    )
    loop._enlist()
    loop.run_until_idle()
    duty = Duty.objects.get(kind="servers")
    assert duty.trouble_code == "NoEndpoint"
    assert rests(duty) > 3590
    assert not Exchange.objects.filter(purpose="servers").exists()
    assert Volume.objects.exists()
    assert CloudHealth.objects.get().failing_since is None


def test_compute_service_that_is_away_hurts_nothing_else(loop, monkeypatch):
    with_config(monkeypatch, compute_endpoint="http://127.0.0.1:9")
    loop._enlist()
    for _ in range(4):
        Duty.objects.filter(kind__in=["servers", "inventory"]).update(due_at=timezone.now())
        loop.run_until_idle()
    duty = Duty.objects.get(kind="servers")
    assert (duty.trouble_code, duty.fails) == ("NoConnection", 4)
    assert 290 < rests(duty) <= 300
    assert Volume.objects.filter(gone_at=None).exists()
    health = CloudHealth.objects.get()
    assert (health.failing_since, health.fails, closed_off_clouds()) == (None, 0, [])


def test_answer_of_the_compute_service_ends_no_outage(read):
    failing_since = timezone.now() - timedelta(minutes=5)
    CloudHealth.objects.update(failing_since=failing_since, answered_at=failing_since)
    read()
    assert CloudHealth.objects.get().failing_since == failing_since


def test_hanging_compute_service_is_no_silence_of_the_cloud(db):
    asked_at = timezone.now() - timedelta(seconds=40)
    factories.exchange(status=-1, purpose="servers", at=asked_at)
    assert silent_since("sandbox", now=timezone.now()) is None
    factories.exchange(status=-1, purpose="inventory", at=asked_at)
    assert silent_since("sandbox", now=timezone.now()) == asked_at


# --- the file ----------------------------------------------------------------------------------


def test_file_fills_the_gaps_and_the_cloud_wins(read, file):
    file(f"{HEAD}sandbox,{NODE},quorum\nsandbox,{WEB},other\n")
    assert read().trouble_code == ""
    assert servers_of("cluster-quorum") == {NODE: "quorum"}
    assert servers_of("web-01-system") == {WEB: "web-01"}


def test_file_alone_names_servers_where_the_account_may_not(loop, sandbox, file):
    file(f"\ufeff{HEAD.replace(',', ';')}sandbox;{WEB};'=web\n")
    sandbox.sandbox.options = dataclasses.replace(sandbox.sandbox.options, may_list_servers=False)
    loop._enlist()
    loop.run_until_idle()
    Duty.objects.filter(kind="servers").update(due_at=timezone.now())
    loop.run_until_idle()
    assert servers_of("web-01-system") == {WEB: "=web"}


def test_name_that_left_the_file_goes(read, file):
    file(f"{HEAD}sandbox,{NODE},quorum\n")
    read()
    file(f"{HEAD}sandbox,{WEB},other\n")
    read()
    assert servers_of("cluster-quorum") == {NODE: ""}


def test_uuid_in_capitals_is_the_same_server(read, file):
    file(f"{HEAD}sandbox,{NODE.upper()},quorum\nsandbox,{NODE},again\nsandbox,Node-X,own\n")
    assert read().trouble_code == "file, lines 3"
    assert servers_of("cluster-quorum") == {NODE: "quorum"}
    assert Server.objects.filter(server_id="Node-X", given_name="own").exists()


def test_wrong_lines_are_left_out_and_told_by_number(read, file, caplog):
    lines = [
        f"sandbox,{NODE},quorum",
        "sandbox,,nameless",
        f"moon,{WEB},far",
        f"sandbox,{NODE},again",
        f"sandbox,{'x' * 65},long",
        "sandbox,one cell too few",
        f"sandbox,{'y' * 36},last",
    ]
    file(HEAD + "\n".join(lines) + "\n")
    with caplog.at_level(logging.WARNING, "snapshots.duties.servers"):
        duties = [read(), read()]
    assert {duty.trouble_code for duty in duties} == {"file, lines 3, 4, 5, 6, 7"}
    (record,) = caplog.records
    assert "line 3: nothing stands under server_id" in record.getMessage()
    assert "line 4: the settings have no cloud of this name" in record.getMessage()
    assert servers_of("cluster-quorum") == {NODE: "quorum"}
    assert Server.objects.filter(server_id="y" * 36, given_name="last").exists()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_unreadable_file_changes_no_name(read, file, content):
    path = file(f"{HEAD}sandbox,{NODE},quorum\n")
    read()
    path.unlink() if content is None else path.write_bytes(content)
    duty = read()
    assert (duty.trouble_code, duty.fails) == ("file", 0)
    assert servers_of("cluster-quorum") == {NODE: "quorum"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name\n",
        HEAD,
        f'{HEAD}sandbox,"{WEB},unclosed\n',
        f'{HEAD}sandbox,{WEB},web-01\nsandbox,"{NODE}"x,quorum\n',
    ],
)
def test_file_of_another_shape_is_told_and_changes_no_name(read, file, text):
    file(f"{HEAD}sandbox,{NODE},quorum\n")
    read()
    file(text)
    assert read().trouble_code.startswith("file, lines ")
    assert servers_of("web-01-system") == {WEB: "web-01"}
    assert servers_of("cluster-quorum") == {NODE: "quorum"}


def test_what_is_no_plain_file_is_not_opened(db, settings, tmp_path):
    pipe = tmp_path / "servers.csv"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        settings.EVSPORTAL_SERVER_NAMES = str(path)
        answer = given_names("sandbox")
        assert (answer.names, answer.trouble_code) == (None, "file")
        assert str(path) in answer.trouble
