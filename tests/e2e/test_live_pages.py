"""Open pages in a real browser: what changes arrives, and nothing else is touched."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.templatetags.static import static
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import Operation, Snapshot, Worker
from tests import factories as scene

pytestmark = pytest.mark.browser
ASK = "document.dispatchEvent(new Event('visibilitychange'))"  # as when the tab is shown again
HIDE = (
    "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    " document.dispatchEvent(new Event('visibilitychange')); }"
)


@pytest.fixture
def alice(open_context, sign_in):
    context = open_context()
    person = sign_in(context, "alice")
    page = context.new_page()
    page.person = person
    page.volume = scene.volume(granted_to=person)
    return page


def finish(operation, state):
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state=state, state_at=now, finished_at=now)


def questions(page):
    """The addresses that the page asks from now on."""
    asked = []
    page.on("request", lambda one: asked.append(one.url) if "x-version" in one.headers else None)
    return asked


@pytest.mark.timeout(400)
def test_two_hundred_refreshes_touch_nothing_else(alice):
    made = [
        scene.operation(alice.person, alice.volume, name=f"n-{n}", state="succeeded", ago_seconds=n)
        for n in range(50)
    ]
    rows = [scene.snapshot(one, status="turn-000", name=one.name) for one in made]
    alice.goto("/snapshots/")
    alice.click(".filter__more summary")
    alice.click(".choice summary")
    alice.fill("input[name=q]", "typed")
    boxes = alice.locator("tbody input[type=checkbox]")
    boxes.nth(20).check()
    boxes.nth(30).focus()
    alice.evaluate("scrollTo(0, 500)")
    alice.evaluate(
        "id => getSelection().selectAllChildren(document.querySelector(`#snapshot-${id} a`))",
        rows[25].pk,
    )
    state = """() => ({
        focus: document.activeElement.value, selected: getSelection().toString(), top: scrollY,
        open: [...document.querySelectorAll("main details")].map((one) => one.open),
        typed: document.querySelector("input[name=q]").value,
        ticked: [...document.querySelectorAll("tbody :checked")].map((one) => one.value),
    })"""
    before = alice.evaluate(state)
    assert before["selected"] == "n-25"
    assert before["open"] == [True, True]
    changed = f"#snapshot-{rows[24].pk}"
    for number in range(100, 300):
        Worker.objects.update(seen_at=timezone.now())  # or a banner comes above
        Snapshot.objects.filter(pk=rows[24].pk).update(status=f"turn-{number}")
        alice.evaluate(ASK)
        alice.wait_for_function(
            "([row, text]) => document.querySelector(row).textContent.includes(text)",
            arg=[changed, f"turn-{number}"],
        )
    assert alice.evaluate(state) == before


def test_selection_in_the_changed_row_stays_too(alice):
    made = scene.operation(alice.person, alice.volume, name="mine", state="accepted")
    alice.goto("/requests/")
    alice.evaluate("getSelection().selectAllChildren(document.querySelector('.row__link'))")
    finish(made, "succeeded")
    expect(alice.locator(".badge")).to_have_text("Available", timeout=15000)
    assert alice.evaluate("getSelection().toString()") == "mine"


def test_a_list_of_what_has_ended_shows_a_new_request_and_its_failure(alice):
    scene.operation(alice.person, alice.volume, name="old", state="succeeded", ago_seconds=900)
    alice.goto("/requests/")
    new = scene.operation(alice.person, alice.volume, name="new", state="queued", ago_seconds=0)
    alice.evaluate(ASK)
    expect(alice.locator("tbody tr").first).to_contain_text("new")
    expect(alice.locator("tbody tr")).to_have_count(2)
    expect(alice.locator("#announcer")).to_have_text("new: waiting")
    finish(new, "refused")
    expect(alice.locator("tbody tr").first).to_contain_text("Refused")
    expect(alice).to_have_title(re.compile("^new: refused · "))
    expect(alice.locator("#announcer")).to_have_text("new: waiting")  # one sentence in ten seconds
    expect(alice.locator("#announcer")).to_have_text("new: refused", timeout=15000)


def test_focus_of_a_button_that_goes_away_goes_to_a_neighbour(alice):
    made = scene.operation(alice.person, alice.volume, name="mine", ago_seconds=1)
    alice.goto(f"/requests/{made.pk}/")
    button = alice.locator("button", has_text="Cancel the request")
    button.focus()
    finish(made, "refused")
    expect(button).to_have_count(0)
    focused = alice.evaluate("[document.activeElement.tagName, document.activeElement.textContent]")
    assert focused[0] != "BODY"
    assert "Ask again" not in focused[1]  # what is pressed by mistake asks for nothing


def test_a_hidden_page_rests_and_catches_up_when_it_is_shown(alice):
    made = scene.operation(alice.person, alice.volume, state="accepted", ago_seconds=1)
    alice.goto("/requests/")
    alice.evaluate(HIDE, True)
    asked = questions(alice)
    finish(made, "succeeded")
    alice.wait_for_timeout(1500)
    assert asked == []
    alice.evaluate(HIDE, False)
    expect(alice.locator(".badge")).to_have_text("Available")
    assert len(asked) >= 1


def test_an_ended_session_is_told_once_and_asked_for_no_more(alice, watch):
    watch.expected.append("401")
    scene.operation(alice.person, alice.volume, state="accepted", ago_seconds=1)
    alice.goto("/")
    Session.objects.all().delete()
    expect(alice.locator("main [role=alert]")).to_have_count(1)
    asked = questions(alice)
    alice.evaluate(ASK)
    alice.wait_for_timeout(1500)
    assert asked == []
    expect(alice.locator("main [role=alert]")).to_have_count(1)


@pytest.mark.parametrize(
    ("quiet", "is_soon", "seconds"),
    [
        (None, False, 30),
        (1, True, 0.5),
        (1, False, 0.5),
        (20, True, 0.5),
        (60, False, 10),
        (3600, False, 30),
    ],
)
def test_a_page_asks_less_often_the_longer_nothing_changes(alice, quiet, is_soon, seconds):
    alice.goto("/")
    paused = alice.evaluate(
        "async ([address, quiet, isSoon]) => (await import(address)).pauseAfter(quiet, isSoon)",
        [static("js/pace.js"), quiet, is_soon],
    )
    assert paused == seconds
