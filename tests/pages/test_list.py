"""The list of snapshots: who sees what, filter, pages, polling."""

import re
import uuid
from html import unescape
from urllib.parse import urlencode, urljoin

import pytest

from snapshots.models import OperationState, Worker
from tests import factories as scene


def _names(answer):
    return [line.operation.name for line in answer.context["lines"]]


def test_an_empty_list_invites(alice, volume):
    page = alice.get("/requests/").text
    assert "No requests yet" in page
    assert "Take the first snapshot" in page


def test_staff_see_their_own_only(alice, bob, volume):
    scene.operation(alice.user, volume, name="hers")
    scene.operation(bob.user, volume, name="his")
    assert _names(alice.get("/requests/")) == ["hers"]
    assert "<h1>Requests</h1>" in alice.get("/requests/").text


@pytest.mark.parametrize("who", ["helen", "audrey", "root"])
def test_others_see_all_with_their_requesters(who, alice, volume, request):
    scene.operation(alice.user, volume, on_behalf_of="Deniz", ticket="CHG-1042")
    page = request.getfixturevalue(who).get("/requests/").text
    assert "<h1>Requests</h1>" in page
    for words in ("Requester", "alice", "for <bdi>Deniz</bdi>", "CHG-1042"):
        assert words in page


@pytest.mark.parametrize("state", OperationState)
def test_a_state_is_a_word_and_a_tone(state, alice, volume):
    scene.operation(alice.user, volume, state=state)
    badge = f'<span class="badge badge--{state.tone}">{state.label}</span>'
    assert badge in alice.get("/requests/").text


def test_an_unnamed_snapshot_shows_the_start_of_its_id(alice, volume):
    made = scene.operation(alice.user, volume, name=None)
    assert f"unnamed <code>{str(made.pk)[:8]}</code>" in alice.get("/requests/").text


def test_a_time_says_how_long_ago_and_exactly_when(alice, volume):
    made = scene.operation(alice.user, volume, ago_seconds=125)
    page = alice.get("/requests/").text
    assert "2 minutes ago" in page
    assert f'title="{made.asked_at:%d %b %Y, %H:%M:%S} UTC"' in page


def test_open_request_shows_usual_time(alice, volume):
    scene.operation(alice.user, volume, ago_seconds=900, state="succeeded")
    scene.operation(alice.user, volume, ago_seconds=20, state="accepted")
    page = alice.get("/requests/").text
    assert re.search(r"data-lasting>2\d s</time> so far", page)
    assert "usually about 12 s" in page


def test_filter_by_text_and_state(alice, volume):
    scene.operation(alice.user, volume, name="nightly", state="succeeded")
    scene.operation(alice.user, volume, name="weekly", state="succeeded")
    scene.operation(alice.user, volume, name="nightly too", state="refused")
    assert _names(alice.get("/requests/", {"q": "nightly", "state": "succeeded"})) == ["nightly"]


@pytest.mark.parametrize("digits", [6, 8, 13, 36])
def test_the_start_of_an_id_finds_its_operation(digits, alice, volume, operation):
    other = uuid.UUID(int=operation.pk.int ^ (1 << 127))
    scene.operation(alice.user, volume, id=other, name="other")
    start = str(operation.pk)[:digits]
    assert _names(alice.get("/requests/", {"q": start})) == [operation.name]


def test_a_filter_that_finds_nothing_says_so(alice, operation):
    assert "No request matches this filter" in alice.get("/requests/", {"q": "zzz"}).text


@pytest.mark.parametrize(
    "query", [{"state": "nonsense"}, {"before": "nonsense"}, {"before": "g" * 36}]
)
def test_nonsense_in_the_address_does_no_harm(query, alice, operation):
    assert alice.get("/requests/", query).status_code == 200


def test_older_page_keeps_the_filter(alice, volume):
    for number in range(53):
        scene.operation(
            alice.user, volume, name=f"n{number}", ago_seconds=number, state="succeeded"
        )
    first = alice.get("/requests/", {"q": "n"})
    assert len(_names(first)) == 50
    older = first.context["older"]
    assert f'href="/requests/?q=n&amp;before={older}"' in first.text
    second = alice.get("/requests/", {"q": "n", "before": older})
    assert _names(second) == ["n50", "n51", "n52"]


def test_the_list_asks_often_while_something_is_unfinished(alice, volume):
    scene.operation(alice.user, volume, state="accepted", ago_seconds=60)
    newer = scene.operation(alice.user, volume, state="queued", ago_seconds=1)
    page = alice.get("/requests/", {"q": "before"}).text
    assert page.count("data-live=") == 1
    assert 'data-live="/requests/rows/?q=before"' in page
    assert f'data-changed="{newer.state_at.isoformat()}" data-soon' in page


def test_the_list_goes_on_asking_when_all_have_ended(alice, volume):
    scene.operation(alice.user, volume, state="succeeded")
    page = alice.get("/requests/").text
    assert 'data-live="/requests/rows/"' in page
    assert 'data-changed=""' in page
    assert "Last checked" in page


def test_the_fragment_stands_alone_and_in_its_page(alice, operation):
    fragment = alice.get("/requests/rows/").text
    assert "<html" not in fragment
    assert fragment.count('id="rows"') == 1
    assert alice.get("/requests/").text.count('id="rows"') == 1


@pytest.mark.usefixtures("kept_for_a_second")
@pytest.mark.parametrize("rows", [1, 60])
def test_the_number_of_queries_does_not_grow(rows, alice, volume, django_assert_max_num_queries):
    for number in range(rows):
        made = scene.operation(alice.user, volume, ago_seconds=number, state="succeeded")
        scene.snapshot(made)
    scene.operation(alice.user, volume, ago_seconds=1, state="accepted")
    for path in ("/requests/", "/requests/rows/"):
        with django_assert_max_num_queries(12):
            alice.get(path)


def test_an_ended_session_answers_a_poll_with_one_sentence(client):
    answer = client.get(
        "/requests/rows/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/?state=open"},
    )
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text
    assert "/accounts/login/?next=/%3Fstate%3Dopen" in answer.text
    assert "data-live" not in answer.text
    assert "<html" not in answer.text


def test_a_poll_brings_news_of_the_worker(alice, operation):
    Worker.objects.all().delete()
    fragment = alice.get("/requests/rows/").text
    assert 'id="notices"' in fragment
    assert "The worker is not running" in fragment
    assert alice.get("/requests/").text.count('id="notices"') == 1


@pytest.mark.parametrize("path", ["/requests/", "/volumes/", "/snapshots/new/"])
def test_head_is_answered(path, alice, operation):
    assert alice.head(path).status_code == 200


def _walk(person, path, rows_of, **query):
    """What the pages of a list show, one after the other, by their links."""
    rows, address = [], f"{path}?{urlencode(query)}"
    for _ in range(10):
        page = person.get(address)
        rows += rows_of(page)
        link = re.search(r'rel="next" href="([^"]*)"', page.text)
        if link is None:
            return rows
        address = urljoin(address, unescape(link[1]))
    raise AssertionError("The list has no end.")


@pytest.mark.parametrize("who", ["alice", "helen"])
@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("asked", lambda row: row.asked_at),
        ("volume", lambda row: row.volume_name),
        ("requester", lambda row: row.requester_name),
    ],
)
def test_order_goes_through_all_pages(sort, key, who, alice, request, volume):
    other = scene.volume("a-first", granted_to=alice.user)
    for number in range(60):
        scene.operation(alice.user, (volume, other)[number % 2], ago_seconds=number)
    person = request.getfixturevalue(who)

    def rows_of(page):
        return [line.operation for line in page.context["lines"]]

    for sign in ("", "-"):
        rows = _walk(person, "/requests/", rows_of, sort=f"{sign}{sort}", q="web")
        assert len(rows) == len({row.pk for row in rows}) == 30
        rows = _walk(person, "/requests/", rows_of, sort=f"{sign}{sort}")
        assert len({row.pk for row in rows}) == 60
        assert [*map(key, rows)] == sorted(map(key, rows), reverse=bool(sign))


def test_heads_of_the_list_order_it(alice, operation):
    page = alice.get("/requests/", {"q": "web", "before": "x"}).text
    assert 'aria-sort="descending"><a class="order" href="?q=web&amp;sort=asked">Asked</a>' in page
    assert '<a class="order" href="?q=web&amp;sort=volume">Volume</a>' in page
    assert "sort=requester" not in page  # all are hers


@pytest.mark.parametrize("sort", ["nonsense", "requester"])
def test_nonsense_for_an_order_is_the_usual_one(sort, alice, operation):
    page = alice.get("/requests/", {"sort": sort}).text
    assert 'aria-sort="descending"><a class="order" href="?sort=asked">Asked</a>' in page


def test_cursor_of_another_order_starts_at_the_top(alice, volume):
    for number in range(51):
        scene.operation(alice.user, volume, ago_seconds=number)
    cursors = [
        alice.get("/requests/", {"sort": sort}).context["older"]
        for sort in ("", "asked", "volume", "-volume")
    ]
    assert all(cursors)
    for sort in ("", "asked", "volume", "-requester", "nonsense"):
        for cursor in cursors:
            assert alice.get("/requests/", {"sort": sort, "before": cursor}).status_code == 200
