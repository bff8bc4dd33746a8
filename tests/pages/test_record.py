"""The page of one record: what was kept, the whole timeline, names as they were, the address."""

import json
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from snapshots.audit.record import actions
from snapshots.models import ActionCode, Purpose
from snapshots.selectors.timeline import AROUND
from tests import factories as scene


def page_of(browser, record):
    answer = browser.get(f"/audit/{record.id}/")
    assert answer.status_code == 200
    return answer


def events(answer):
    return [event.text for event in answer.context["timeline"].events]


@pytest.fixture
def record(operation):
    return scene.exchange(operation)


# --- asked and kept --------------------------------------------------------------------------


def test_a_difference_is_told_in_words(audrey, operation):
    scene.snapshot(operation, name="before-upg", metadata={})
    record = scene.exchange(operation)
    page = page_of(audrey, record).text
    assert "Asked and kept" in page
    assert "1 field differs" in page
    assert '<span class="badge badge--bad">Differs</span>' in page
    assert "<bdi>before-upg</bdi>" in page


def test_create_without_answer_has_no_comparison(audrey, operation):
    page = page_of(audrey, scene.exchange(operation, status=-1)).text
    assert "No answer was recorded." in page
    assert "there is nothing to compare" in page


def test_only_a_create_is_compared(audrey, operation):
    page = page_of(audrey, scene.exchange(operation, purpose=Purpose.SETTLE)).text
    assert "Asked and kept" not in page


@pytest.mark.parametrize(
    "body",
    ['{"snapshot": {"name": "\\ud800\\u0000"}}', '{"snapshot": {"metadata": {"<b>": "<i>"}}}'],
)
def test_hostile_bodies_are_text(body, audrey, operation):
    page = page_of(audrey, scene.exchange(operation, body=body)).text
    assert "<i>" not in page
    assert "\x00" not in page


# --- timeline --------------------------------------------------------------------------------


def test_everything_of_the_operation_stands_in_order_with_gaps(audrey, helen, operation):
    begun = operation.asked_at
    actions.record(ActionCode.OPERATION_ASKED, actor=operation.requester, operation=operation)
    first = scene.exchange(operation, status=None, at=begun + timedelta(seconds=200))
    scene.exchange(operation, purpose=Purpose.SETTLE, at=begun + timedelta(seconds=265))
    scene.exchange(operation, purpose=Purpose.LOGIN, background=True, at=begun)
    scene.anomaly(operation, names="Two bear one mark.")
    actions.record(ActionCode.OPERATION_CANCEL_REFUSED, actor=helen.user, operation=operation)
    answer = page_of(audrey, first)
    told = events(answer)
    for words in (
        "asked for a snapshot",
        "Sign in to the cloud",
        "Create the snapshot",
        "Look for what became of a request",
        "Anomaly: Several snapshots bear one mark",
        "was not allowed to cancel a request",
        "The cloud is making it",
    ):
        assert told.count(words) == 1, words
    times = [event.at for event in answer.context["timeline"].events]
    assert times == sorted(times)
    assert told.index("Look for what became of a request") > told.index("Create the snapshot")
    assert "+1 min 5 s" in answer.text
    assert "Two bear one mark." in answer.text


def test_events_link_to_their_records(audrey, operation, record):
    other = scene.exchange(operation, purpose=Purpose.SETTLE)
    anomaly = scene.anomaly(operation, names="x")
    page = page_of(audrey, record).text
    for one in (other, anomaly):
        assert f'href="/audit/{one.id}/"' in page
    assert page.count("this record</span>") == 1
    main = page.partition("<main")[2]
    assert main.count('aria-current="true"') == 2  # and the chosen way to show the command
    assert "this record</span>" in page_of(audrey, anomaly).text


def test_another_operation_s_records_are_not_among_them(audrey, bob, operation, record):
    other = scene.operation(bob.user, scene.volume("mail"), state="accepted")
    strange = scene.exchange(other)
    assert str(strange.id) not in page_of(audrey, record).text


def test_the_end_and_what_was_read_last_are_told(audrey, alice, volume):
    operation = scene.operation(alice.user, volume, state="succeeded", ago_seconds=500)
    scene.snapshot(operation)
    told = events(page_of(audrey, scene.exchange(operation, at=operation.sent_at)))
    assert told == [
        "Asked",
        "Create the snapshot",
        "Accepted by the cloud",
        "Available",
        "Read last from the cloud: available",
    ]


def test_asking_again_links_both_requests(audrey, alice, volume):
    old = scene.operation(alice.user, volume, state="refused", ago_seconds=500)
    new = scene.operation(alice.user, volume, state="accepted", again_for=old)
    assert f'href="/requests/{new.pk}/"' in page_of(audrey, scene.exchange(old, status=400)).text
    assert f'href="/requests/{old.pk}/"' in page_of(audrey, scene.exchange(new)).text


def test_long_timeline_shows_nearby_records(audrey, operation):
    start = timezone.now()
    many = [
        scene.exchange(operation, purpose=Purpose.SETTLE, at=start + timedelta(seconds=number))
        for number in range(3 * AROUND)
    ]
    middle = many[AROUND + 10]
    answer = page_of(audrey, middle)
    assert "Earlier records are not shown." in answer.text
    assert "Later records are not shown." in answer.text
    assert f'href="/audit/?operation={operation.pk}"' in answer.text
    assert str(many[10].id) in answer.text
    assert str(many[9].id) not in answer.text
    assert str(many[2 * AROUND + 10].id) in answer.text
    assert str(many[2 * AROUND + 11].id) not in answer.text
    first = page_of(audrey, many[0]).text
    assert "Earlier records" not in first
    assert "Later records are not shown." in first


@pytest.mark.parametrize("rows", [1, 90])
def test_the_number_of_queries_does_not_grow(
    rows, audrey, operation, django_assert_max_num_queries
):
    for _ in range(rows):
        record = scene.exchange(operation)
    with django_assert_max_num_queries(34):
        audrey.get(f"/audit/{record.id}/")


def test_a_record_without_an_operation_has_no_timeline(audrey):
    record = scene.exchange(None, purpose=Purpose.WATCH, background=True)
    assert "The whole operation" not in page_of(audrey, record).text


# --- an anomaly, an action, names, the address ------------------------------------------------


def test_anomaly_has_a_page(audrey, operation):
    anomaly = scene.anomaly(operation, names="<b>Two</b> bear one mark.")
    assert f'href="/audit/{anomaly.id}/"' in audrey.get("/audit/").text
    page = page_of(audrey, anomaly).text
    assert "&lt;b&gt;Two&lt;/b&gt; bear one mark." in page
    assert f'href="/requests/{operation.pk}/"' in page


def test_the_operation_s_page_leads_auditors_to_its_records(audrey, alice, operation, record):
    address = f"/audit/?operation={operation.pk}"
    assert address in audrey.get(f"/requests/{operation.pk}/").text
    assert address not in alice.get(f"/requests/{operation.pk}/").text
    assert f"/audit/{record.id}/" in audrey.get(address).text


def test_people_are_named_as_they_were_then(audrey, alice, volume):
    scene.ask(alice, volume)
    operation = alice.user.operations.get()
    record = scene.exchange(operation)
    asked = operation.actions.get()
    User.objects.filter(pk=alice.user.pk).update(username="renamed-later", last_name="Later")
    for address in (
        f"/audit/{record.id}/",
        f"/audit/{asked.id}/",
        f"/requests/{operation.pk}/",
        "/audit/",
        "/",
    ):
        page = audrey.get(address).text
        assert "alice" in page, address
        assert "enamed-later" not in page, address


def test_the_address_is_shown_whole_and_stays_the_same(audrey, record):
    for query in ("", "?as=python", "?as=httpie"):
        page = audrey.get(f"/audit/{record.id}/{query}").text
        assert f'id="address">http://testserver/audit/{record.id}/</code>' in page
        assert 'data-copy="address"' in page


def test_a_strange_id_is_not_found(audrey, alice, operation):
    anomaly = scene.anomaly(operation, names="x")
    assert audrey.get(f"/audit/{uuid.uuid4()}/").status_code == 404
    assert alice.get(f"/audit/{anomaly.id}/").status_code == 404


def test_a_megabyte_of_quotes_is_shown(audrey, operation):
    body = json.dumps({"snapshot": {"name": '"' * 500_000}})
    record = scene.exchange(operation, body=body, body_bytes=len(body))
    assert "&quot;" in page_of(audrey, record).text
