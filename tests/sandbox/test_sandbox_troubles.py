"""The seeded volumes with troubles, and planned faults."""

import http.client
import threading
import time

import pytest

from snapshots.sandbox.messages import Delivery
from snapshots.sandbox.scenarios import VOLUMES, Trouble, volume_named, volume_with
from snapshots.sandbox.troubles import PlannedFault

LOGS = volume_named("web-01-logs")


def test_every_trouble_has_its_volume_named_for_it():
    for trouble in Trouble:
        if trouble:
            assert volume_with(trouble).name == f"trouble: {trouble}"


def test_seeds_are_unique_and_owned():
    assert len({volume.id for volume in VOLUMES}) == len(VOLUMES)
    assert {volume.owner for volume in VOLUMES} == {"alice", "bob", "shared"}


def test_ends_in_error(client, clock):
    ident = client.create(volume_with(Trouble.ENDS_IN_ERROR)).body["snapshot"]["id"]
    clock.move(5)
    assert client.status_of(ident) == "error"


def test_snapshot_passes_unknown_status_to_available(client, clock):
    ident = client.create(volume_with(Trouble.UNKNOWN_STATUS)).body["snapshot"]["id"]
    clock.move(5)
    assert client.status_of(ident) == "quiescing"
    clock.move(10)
    assert client.status_of(ident) == "available"


def test_takes_two_minutes(client, clock):
    ident = client.create(volume_with(Trouble.TAKES_LONG)).body["snapshot"]["id"]
    clock.move(119)
    assert client.status_of(ident) == "creating"
    clock.move(1)
    assert client.status_of(ident) == "available"


@pytest.mark.parametrize(
    ("trouble", "status", "code", "made"),
    [
        (Trouble.QUOTA_FULL, 413, "EVS.5413", 0),
        (Trouble.ATTACHING, 400, "EVS.5400", 0),
        (Trouble.VOLUME_IN_ERROR, 400, "EVS.5400", 0),
        (Trouble.ERROR_500, 500, "EVS.5500", 1),
        (Trouble.ERROR_500_NOTHING_MADE, 500, "EVS.5500", 0),
        (Trouble.THROTTLED, 429, "APIGW.0308", 0),
        (Trouble.SNAPSHOT_IN_PROGRESS, 409, "EVS.2409", 0),
    ],
)
def test_refused_creations_make_nothing_or_one_snapshot(client, trouble, status, code, made):
    reply = client.create(volume_with(trouble))
    assert (reply.status, reply.code) == (status, code)
    assert len(client.everything()) == made


def test_throttled_and_busy_volumes_let_a_later_call_through(client):
    throttled, busy = volume_with(Trouble.THROTTLED), volume_with(Trouble.SNAPSHOT_IN_PROGRESS)
    assert [client.create(throttled).status for _ in range(6)] == [429, 429, 202] * 2
    assert [client.create(busy).status for _ in range(4)] == [409, 202] * 2


def test_metadata_is_dropped(client):
    made = client.create(volume_with(Trouble.DROPS_METADATA), metadata={"marker": "1"})
    assert (made.status, made.body["snapshot"]["metadata"]) == (202, {})
    assert client.everything()[0]["metadata"] == {}


def test_slow_answer_comes_after_the_snapshot_is_made(client):
    begin = time.monotonic()
    assert client.create(volume_with(Trouble.SLOW)).status == 202
    assert time.monotonic() - begin >= 0.2


def test_no_answer_though_made(client):
    with pytest.raises(TimeoutError):
        client.create(volume_with(Trouble.NO_ANSWER), timeout=0.3)
    assert [s["name"] for s in client.everything()] == ["daily"]
    assert client.server.requests()[-1]["status"] is None


def test_answer_cut_in_the_middle_though_made(client):
    with pytest.raises(http.client.IncompleteRead):
        client.create(volume_with(Trouble.ANSWER_CUT))
    assert len(client.everything()) == 1


def test_stopping_releases_requests_that_get_no_answer(client, server):
    failures = []

    def ask():
        try:
            client.create(volume_with(Trouble.NO_ANSWER))
        except (http.client.HTTPException, OSError) as error:
            failures.append(error)

    client.login()
    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 5
    while not server.sandbox.state.number("SELECT count(*) FROM snapshots"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    begin = time.monotonic()
    server.stop()
    thread.join(5)
    assert failures
    assert time.monotonic() - begin < 2


def test_planned_answers_replace_the_next_ones(client, server):
    server.plan_fault(PlannedFault(times=2, status=503, body="<html>unavailable</html>"))
    replies = [client.create(LOGS) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 202]
    assert replies[0].headers["content-type"] == "text/html"
    assert len(client.everything()) == 1


def test_planned_trouble_meets_any_volume(client):
    fault = {"trouble": "error 500", "times": 1}
    assert client.send("POST", "/_sandbox/faults", fault).status == 200
    assert client.create(LOGS).status == 500
    assert len(client.everything()) == 1


def test_planned_fault_may_make_first_and_then_cut(client, server):
    fault = PlannedFault(status=202, body={"snapshot": {}}, made=True, delivery=Delivery.CUT)
    server.plan_fault(fault)
    with pytest.raises(http.client.IncompleteRead):
        client.create(LOGS)
    assert len(client.everything()) == 1


def test_planned_fault_may_update_and_then_cut(client, server):
    ident = client.create(LOGS).body["snapshot"]["id"]
    path = "/snapshots/[^/]+"
    fault = PlannedFault(method="PUT", path=path, made=True, delivery=Delivery.CUT, body={})
    server.plan_fault(fault)
    changes = {"snapshot": {"name": "new", "description": ""}}
    with pytest.raises(http.client.IncompleteRead):
        client.ask("PUT", f"/snapshots/{ident}", changes)
    assert client.snapshot(ident)["name"] == "new"


def test_planned_fault_meets_lists_too(client, server):
    server.plan_fault(PlannedFault(method="GET", path="/snapshots/detail", status=500, body={}))
    statuses = [client.ask("GET", "/snapshots/detail").status for _ in range(2)]
    assert statuses == [500, 200]


def test_nonsense_fault_is_refused(client):
    assert client.send("POST", "/_sandbox/faults", {"colour": "red"}).status == 400
    assert client.send("GET", "/_sandbox/nonsense").status == 404
