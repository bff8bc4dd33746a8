"""What auditors see of the exchanges."""

import re
import uuid
from datetime import UTC, datetime

import pytest

from snapshots.audit.record.actions import record as record_action
from snapshots.models import ActionCode, Answer, Purpose
from tests import factories as scene

PAGE = "/audit/"


def _shown(answer):
    """The addresses of the exchanges among the rows."""
    return [one.url for one in answer.context["page"].rows if hasattr(one, "url")]


@pytest.fixture
def record(operation):
    return scene.exchange(operation)


def test_a_row_says_who_what_and_how_it_ended(audrey, record):
    page = audrey.get(PAGE).text
    for words in (
        "portal, for <bdi>alice</bdi>",
        "Create the snapshot",
        "web-01-data",
        "202 Accepted",
        "87 ms",
        "req-42",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("actor", "for_whom", "words"),
    [
        ("portal", "", "<bdi>portal</bdi>"),
        ("helen", "", "portal, for <bdi>helen</bdi>"),
        ("helen", "Deniz", 'portal, for <bdi>helen</bdi> <span class="quiet">for <bdi>Deniz'),
    ],
)
def test_what_the_worker_did_is_not_called_the_persons(actor, for_whom, words, audrey, operation):
    record = scene.exchange(operation, actor_name=actor, on_behalf_of=for_whom)
    assert f'data-label="Actor" class="audit__actor">{words}' in audrey.get(PAGE).text
    assert words in audrey.get(f"/audit/{record.id}/").text


def test_what_a_person_did_is_the_persons(audrey, alice, operation):
    cancelled = ActionCode.OPERATION_CANCELLED
    record_action(cancelled, operation=operation, actor=alice.user)
    assert 'class="audit__actor"><bdi>alice</bdi></td>' in audrey.get(PAGE).text


@pytest.mark.parametrize(
    ("body", "is_forced"),
    [
        ('{"snapshot": {"force": true}}', True),
        ('{"snapshot":{"force":true,"metadata":{}}}', True),
        ('{"snapshot": {"force": false}}', False),
        ('{"snapshot": {"force": false, "description": "\\"force\\": true"}}', False),
        ('{"snapshot": {"force": false, "metadata": {"force": "true"}}}', False),
    ],
)
def test_force_is_marked_as_it_was_sent(body, is_forced, audrey, operation):
    scene.exchange(operation, body=body)
    assert ('class="force"' in audrey.get(PAGE).text) is is_forced


def test_records_stand_under_their_day(audrey, operation):
    for day in (2, 2, 3):
        scene.exchange(operation, at=datetime(2026, 5, day, 9, tzinfo=UTC))
    page = audrey.get(PAGE, {"until": "2026-05-03"}).text
    heads = re.findall('scope="rowgroup" colspan="9">(.*?)</th>', page)
    assert heads == ["Sunday, 03 May 2026 UTC", "Saturday, 02 May 2026 UTC"]


def test_each_filter_is_taken_away_by_itself(audrey, record):
    page = audrey.get(
        PAGE, {"actor": "al", "status": "4xx", "background": "on", "before": "x"}
    ).text
    chips = re.findall(r'class="chip">(.*?) <a href="(.*?)"', page)
    assert chips == [
        ("Actor: <bdi>al</bdi>", "?status=4xx&amp;background=on"),
        ("Answer: <bdi>4xx: refused</bdi>", "?actor=al&amp;background=on"),
        ("Background: <bdi>yes</bdi>", "?actor=al&amp;status=4xx"),
    ]
    assert 'class="chip"' not in audrey.get(PAGE).text


def test_milliseconds_are_told_below_a_second_only(audrey, operation):
    made = scene.exchange(operation, status=-1)
    Answer.objects.create(exchange=made, at=made.at, status=202, elapsed_ms=20_050)
    assert "20 s" in audrey.get(PAGE).text
    assert "after 20 s" in audrey.get(f"/audit/{made.id}/").text


def test_missing_answer_differs_from_missing_record(audrey, operation):
    scene.exchange(operation, status=None)
    scene.exchange(operation, status=-1)
    page = audrey.get(PAGE).text
    assert "Timeout" in page
    assert "No answer recorded" in page


def test_background_readings_are_shown_on_demand(audrey):
    scene.exchange(None, background=True, purpose=Purpose.WATCH)
    assert "Watch snapshots" not in audrey.get(PAGE).context["page"].rows
    assert _shown(audrey.get(PAGE)) == []
    assert len(_shown(audrey.get(PAGE, {"background": "on"}))) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "alice"},
        {"volume": "web-01"},
        {"status": "4xx"},
        {"since": "2026-05-02", "until": "2026-05-02"},
    ],
)
def test_filters(query, audrey, bob, operation):
    scene.exchange(
        operation, url="https://x/wanted", status=400, at=datetime(2026, 5, 2, 23, 59, tzinfo=UTC)
    )
    other = scene.operation(bob.user, scene.volume("mail"), state="accepted")
    scene.exchange(other, url="https://x/other", at=datetime(2026, 5, 3, tzinfo=UTC))
    assert _shown(audrey.get(PAGE, query)) == ["https://x/wanted"]


def test_the_exchanges_of_one_operation_include_the_background(audrey, operation, record):
    scene.exchange(operation, background=True, purpose=Purpose.WATCH)
    assert len(_shown(audrey.get(PAGE, {"operation": str(operation.pk)}))) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "9999-12-31"},
        {"operation": "zzz"},
        {"operation": "z" * 36},
        {"status": "abc"},
        {"before": "x"},
    ],
)
def test_nonsense_in_the_filter_does_no_harm(query, audrey, record):
    assert audrey.get(PAGE, query).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "2026-02-30"}, "Enter a valid date."),
        ({"until": "9999-12-31"}, "Choose an earlier day."),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "From day is after To day."),
    ],
)
def test_a_broken_day_shows_no_rows(query, words, audrey, record):
    answer = audrey.get(PAGE, query)
    assert words in answer.text
    assert _shown(answer) == []


@pytest.mark.parametrize("digits", [6, 8, 9, 20, 36])
def test_the_start_of_an_operations_id_finds_it(digits, audrey, operation, record):
    whole = f"{operation.pk}0"
    start, wrong = whole[:digits], "1" if whole[digits] == "0" else "0"
    assert len(_shown(audrey.get(PAGE, {"operation": start}))) == 1
    assert len(_shown(audrey.get(PAGE, {"operation": start.upper()}))) == 1
    for other in (start[:5], "0" + start[:-1], f"{start}{wrong}", start[:-1] + "g"):
        assert _shown(audrey.get(PAGE, {"operation": other})) == [], other


def test_link_to_older_records_keeps_filter(audrey, operation):
    for _ in range(51):
        scene.exchange(operation)
    first = audrey.get(PAGE, {"actor": "alice"})
    older = first.context["page"].next
    assert f"?actor=alice&amp;before={older}" in first.text
    assert len(_shown(audrey.get(PAGE, {"actor": "alice", "before": older}))) == 1


@pytest.mark.parametrize("rows", [1, 60])
def test_the_number_of_queries(rows, audrey, operation, django_assert_max_num_queries):
    for _ in range(rows):
        scene.exchange(operation)
    with django_assert_max_num_queries(13):
        audrey.get(PAGE)


# --- one exchange ----------------------------------------------------------------------------


def test_both_sides_are_readable(audrey, record):
    page = audrey.get(f"/audit/{record.id}/").text
    for words in (
        "&quot;name&quot;: &quot;before-upgrade&quot;",
        "X-Auth-Token",
        "sha256:1234567890ab",
        "after 87 ms",
        "X-Request-Id",
        f"/requests/{record.operation_id}/",
        "sandbox, nothing real",
    ):
        assert words in page


def test_body_without_json_is_shown_unchanged(audrey, operation):
    record = scene.exchange(operation, body="<html>504 & so on")
    assert "&lt;html&gt;504 &amp; so on" in audrey.get(f"/audit/{record.id}/").text


def test_a_deeply_nested_body_is_shown_as_it_came(audrey, operation):
    record = scene.exchange(operation, body="[" * 100_000)
    assert audrey.get(f"/audit/{record.id}/").status_code == 200


def test_why_nothing_came_back(audrey, operation):
    record = scene.exchange(operation, status=None)
    page = audrey.get(f"/audit/{record.id}/").text
    assert "<strong>Timeout</strong> The cloud did not answer within 30 s." in page


def test_an_open_row_tells_the_truth(audrey, operation):
    record = scene.exchange(operation, status=-1)
    assert (
        "The worker ended after it had sent the request" in audrey.get(f"/audit/{record.id}/").text
    )


def test_neighbours_of_the_same_operation(audrey, operation, record):
    after = scene.exchange(operation, purpose=Purpose.SETTLE)
    assert f'rel="next" href="/audit/{after.id}/"' in audrey.get(f"/audit/{record.id}/").text
    assert f'rel="prev" href="/audit/{record.id}/"' in audrey.get(f"/audit/{after.id}/").text


def test_an_unknown_exchange_is_not_found(audrey):
    assert audrey.get(f"/audit/{uuid.uuid4()}/").status_code == 404


def test_anomalies_stand_before_everything_else(audrey, operation):
    scene.anomaly(operation, names="Several snapshots bear one mark: <b>s-1</b>, s-2.")
    page = audrey.get("/audit/").text
    assert "&lt;b&gt;s-1&lt;/b&gt;, s-2." in page
    assert re.search(r"<li>\s*Several snapshots bear one mark\. (?!Several)", page)
    assert f"/requests/{operation.pk}/" in page


def test_a_portal_without_anomalies_says_nothing_of_them(audrey):
    assert "Anomalies" not in audrey.get("/audit/").text
