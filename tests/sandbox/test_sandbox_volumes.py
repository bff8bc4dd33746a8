"""Volumes of the sandbox: made from a snapshot, and deleted with their snapshots."""

import uuid

import pytest

IN_THE_WAY = "must not be migrating, attached, belong to a group, have snapshots"


@pytest.fixture
def ask(client, clock):
    """Asks the Cinder dialect; afterwards everything that was begun has ended."""

    def ask_and_wait(method, path, body=None, seconds=60):
        reply = client.ask(method, path, body, version="v3")
        clock.move(seconds)
        return reply

    return ask_and_wait


def _make(ask, kind, **facts):
    reply = ask("POST", f"/{kind}s", {kind: facts})
    assert reply.status == 202, reply
    return reply.body[kind]["id"]


@pytest.fixture
def volume(ask):
    return _make(ask, "volume", name="data", size=2)


@pytest.fixture
def snapshot(ask, volume):
    return _make(ask, "snapshot", volume_id=volume)


def message_of(reply):
    return reply.body["badRequest"]["message"] if "badRequest" in reply.body else reply.body


def is_there(ask, path):
    return ask("GET", path).status == 200


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "1", "on", "yes", "t", "y"])
def test_cascade_removes_the_volume_and_its_snapshots(word, ask, volume, snapshot):
    second = _make(ask, "snapshot", volume_id=volume)
    assert ask("DELETE", f"/volumes/{volume}?cascade={word}").status == 202
    assert not is_there(ask, f"/volumes/{volume}")
    assert not any(is_there(ask, f"/snapshots/{ident}") for ident in (snapshot, second))


@pytest.mark.parametrize("query", ["", "?cascade=False", "?cascade=0", "?cascade=no", "?force=1"])
def test_without_cascade_a_volume_with_snapshots_stays(query, ask, volume, snapshot):
    reply = ask("DELETE", f"/volumes/{volume}{query}")
    assert (reply.status, IN_THE_WAY in message_of(reply)) == (400, True)
    assert is_there(ask, f"/volumes/{volume}")
    assert is_there(ask, f"/snapshots/{snapshot}")


@pytest.mark.parametrize("word", ["perhaps", "", "2", "tru", "None"])
def test_another_word_than_a_boolean_is_refused(word, ask, volume):
    reply = ask("DELETE", f"/volumes/{volume}?cascade={word}")
    assert (reply.status, message_of(reply)) == (
        400,
        f"Value '{word}' for 'cascade' is not a boolean.",
    )
    assert is_there(ask, f"/volumes/{volume}")


def test_cascade_touches_nothing_while_a_snapshot_is_created(ask, volume, snapshot):
    body = {"snapshot": {"volume_id": volume}}
    fresh = ask("POST", "/snapshots", body, seconds=0).body["snapshot"]["id"]
    reply = ask("DELETE", f"/volumes/{volume}?cascade=true", seconds=0)
    assert (reply.status, IN_THE_WAY in message_of(reply)) == (400, True)
    for path in (f"/volumes/{volume}", f"/snapshots/{snapshot}", f"/snapshots/{fresh}"):
        assert is_there(ask, path)


def test_cascade_removes_snapshots_in_error(ask, client, volume, snapshot):
    client.send("PATCH", f"/_sandbox/snapshots/{snapshot}", {"status": "error"})
    assert ask("DELETE", f"/volumes/{volume}?cascade=true").status == 202
    assert not is_there(ask, f"/snapshots/{snapshot}")


@pytest.mark.parametrize(("size", "made"), [(None, 2), (2, 2), ("2", 2), (3, 3), ("5", 5)])
def test_volume_is_never_smaller_than_its_snapshot(size, made, ask, snapshot):
    reply = ask("POST", "/volumes", {"volume": {"snapshot_id": snapshot, "size": size}})
    assert (reply.status, reply.body["volume"]["size"]) == (202, made)


@pytest.mark.parametrize("size", [1, "1"])
def test_a_volume_smaller_than_its_snapshot_is_refused(size, ask, snapshot):
    reply = ask("POST", "/volumes", {"volume": {"snapshot_id": snapshot, "size": size}})
    assert reply.status == 400
    assert message_of(reply) == (
        "Invalid input received: Volume size '1'GB cannot be smaller than the snapshot size 2GB."
        " They must be >= original snapshot size."
    )


@pytest.mark.parametrize("size", [0, -1, "0", "-1", "two", "", 1.5, True, [1]])
def test_a_size_that_is_none_is_refused(size, ask):
    assert ask("POST", "/volumes", {"volume": {"size": size}}).status == 400


@pytest.mark.parametrize("size", ["9" * 5000, 10**30, 1e300])
def test_a_size_beyond_all_measure_exceeds_the_quota(size, ask):
    assert ask("POST", "/volumes", {"volume": {"size": size}}).status == 413


def test_a_size_without_end_is_none(ask):
    assert ask("POST", "/volumes", '{"volume": {"size": 1e999}}').status == 400


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"volume_type": "nosuch"}, 404),
        ({"volume_type": "SSD"}, 400),
        ({"availability_zone": "elsewhere"}, 400),
        ({"source_volid": str(uuid.uuid4())}, 400),
        ({"snapshot_id": "nonsense"}, 400),
        ({"snapshot_id": str(uuid.uuid4())}, 404),
        ({"colour": "red"}, 202),
    ],
)
def test_impossible_restores_are_refused(facts, status, ask, snapshot):
    body = {"volume": {"snapshot_id": snapshot, "size": 2} | facts}
    assert ask("POST", "/volumes", body).status == status


@pytest.mark.parametrize("body", [{}, {"volume": None}, {"volume": []}, [], "x"])
def test_a_body_without_a_volume_is_refused(body, ask):
    assert ask("POST", "/volumes", body).status == 400
