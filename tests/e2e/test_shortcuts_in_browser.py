"""Single keys, the browser's time zone, and the polled parts of home, in a real browser."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import Operation, OperationState, Preferences
from tests import factories as scene
from tests.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(open_context, sign_in):
    """Alice's page, with three requests."""

    def open_page(path, **kind):
        context = open_context(**kind)
        person = sign_in(context, "alice")
        volume = scene.volume(granted_to=person)
        for number in range(3):
            of = {"state": "succeeded", "ago_seconds": 60 + number, "name": f"r{number}"}
            scene.operation(person, volume, **of)
        page = context.new_page()
        page.person, page.volume = person, volume
        page.goto(path)
        return page

    return open_page


def test_keys_search_list_and_go_through_rows(alice):
    page = alice("/requests/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="r0")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="r1")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_label("Search")).to_have_value("n")
    page.locator("h1").click()
    page.keyboard.press("n")
    page.wait_for_url("**/snapshots/new/**")


def test_keys_can_be_turned_off(alice):
    page = alice("/preferences/")
    page.get_by_role("checkbox", name="Keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    page.goto("/requests/")
    page.keyboard.press("?")
    page.keyboard.press("n")
    page.keyboard.press("j")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url.endswith("/requests/")
    assert not Preferences.objects.get().shortcuts


def test_key_works_as_soon_as_the_list_of_keys_is_closed(alice):
    """The focus stays in the closed list until the browser paints again."""
    page = alice("/requests/")
    page.keyboard.press("?")
    page.evaluate("""() => {
      document.getElementById("shortcuts").close();
      const key = new KeyboardEvent("keydown", { key: "j", bubbles: true });
      document.activeElement.dispatchEvent(key);
    }""")
    expect(page.get_by_role("link", name="r0")).to_be_focused()


def test_browser_s_zone_is_taken_over_at_first(alice):
    page = alice("/requests/", zone="Australia/Eucla")
    until(lambda: Preferences.objects.filter(zone="Australia/Eucla").exists())
    page.reload()
    expect(page.locator("footer")).to_contain_text("Times are Australia/Eucla (UTC+08:45)")


def test_home_without_script_shows_the_person_s_zone(open_context, sign_in):
    context = open_context(javascript=False)
    person = sign_in(context, "alice")
    Preferences.objects.create(user=person, zone="Australia/Eucla")
    scene.operation(person, scene.volume(granted_to=person), state="succeeded")
    page = context.new_page()
    page.goto("/")
    title = page.get_by_role("region", name="Recent").locator("time").first.get_attribute("title")
    assert "UTC+08:45 · " in title


def test_home_follows_a_request(alice):
    page = alice("/")
    made = scene.operation(page.person, page.volume, state="accepted", ago_seconds=1, name="new")
    page.reload()
    now = page.get_by_role("region", name="Mine now")
    expect(now.get_by_role("row", name="new")).to_contain_text("Creating")
    ended = {"state": OperationState.SUCCEEDED, "finished_at": timezone.now()}
    Operation.objects.filter(pk=made.pk).update(state_at=timezone.now(), **ended)
    recent = page.get_by_role("region", name="Recent")
    expect(recent.get_by_role("row", name="new")).to_contain_text("Available", timeout=20_000)
