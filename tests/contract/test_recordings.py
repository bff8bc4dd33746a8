"""Every recorded row, asked again: the same status, the same shape, the same words."""

import pytest
from contract_differences import ANSWERS_OTHERWISE, NOT_ASKED
from contract_replay import TOPICS, rows_of
from contract_targets import SandboxTarget


def test_row_is_answered_as_recorded(recorded_row, replays):
    cloud, topic, name = recorded_row
    outcome = replays.outcome(cloud, topic, name)
    if outcome.not_asked:
        pytest.skip(outcome.not_asked)
    reason = ANSWERS_OTHERWISE[cloud].get((topic, name))
    if reason:
        assert outcome.differences, f"answered as recorded after all; no longer true: {reason}"
    else:
        assert list(outcome.differences) == []


def test_differences_name_rows_that_exist():
    rows = {(topic, row["name"]) for topic in TOPICS for row in rows_of(topic)}
    for reasons in (NOT_ASKED, ANSWERS_OTHERWISE):
        for cloud in reasons.values():
            assert set(cloud) <= rows


def test_names_within_a_topic_are_unique():
    for topic in TOPICS:
        names = [row["name"] for row in rows_of(topic)]
        assert len(names) == len(set(names)), topic


def test_eight_deletions_at_once_make_one_deletion():
    """13-life: [202, 400, 404, 404, ...]; a later one meets `deleting` (400) or nothing (404)."""
    target = SandboxTarget()
    try:
        volume = _first_volume(target)
        body = {"snapshot": {"volume_id": volume}}
        ident = target.ask("mine", "POST", "/snapshots", body).body["snapshot"]["id"]
        target.wait("mine", "snapshots", ident, "available")
        statuses = _at_once(target, ident)
    finally:
        target.close()
    assert statuses[0] == 202
    assert set(statuses[1:]) <= {400, 404}


def _first_volume(target):
    reply = target.ask("mine", "GET", "/volumes?status=available&limit=1")
    return reply.body["volumes"][0]["id"]


def _at_once(target, ident):
    from concurrent.futures import ThreadPoolExecutor

    target.token("mine")
    with ThreadPoolExecutor(8) as pool:
        replies = pool.map(
            lambda _: target.ask("mine", "DELETE", f"/snapshots/{ident}").status, range(8)
        )
        return sorted(replies)
