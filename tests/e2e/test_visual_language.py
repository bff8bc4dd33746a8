"""What holds on every page: states without colours, ids to copy, paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from snapshots.models import OperationState
from tests import factories as scene

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(open_context, sign_in):
    """Alice's page, and one request of hers in each state."""

    def open_page(**kind):
        context = open_context(**kind)
        person = sign_in(context, "alice")
        page = context.new_page()
        page.made = {
            state: scene.operation(
                person, scene.volume(state.label, granted_to=person), state=state, ago_seconds=90
            )
            for state in OperationState
        }
        return page

    return open_page


def pictures_by_tone(page, selector):
    """How each looks when it says the same: its tone is then told by the shape alone."""
    pictures = {}
    for one in page.locator(selector).all():
        one.evaluate("one => { one.textContent = 'state'; }")
        pictures.setdefault(one.get_attribute("class"), one.screenshot())
    return pictures


@pytest.mark.parametrize("forced", ["active", "none"])
def test_states_differ_in_shape_where_colours_are_forced(forced, alice):
    page = alice()
    page.emulate_media(forced_colors=forced)
    page.goto("/requests/")
    pictures = pictures_by_tone(page, ".cards .badge")
    assert len(pictures) >= 5
    assert len(set(pictures.values())) == len(pictures)


def test_forced_colours_are_accessible(alice):
    page = alice()
    page.emulate_media(forced_colors="active")
    lists = ("/", "/status/", "/preferences/", "/requests/", "/snapshots/", "/volumes/")
    for path in (*lists, "/snapshots/new/", f"/requests/{page.made[OperationState.FAILED].pk}/"):
        page.goto(path)
        # Axe reads the colours that the page names, not those that the browser forces.
        found = Axe().run(page, options={"rules": {"color-contrast": {"enabled": False}}})
        assert found.violations_count == 0, found.generate_report()


def test_an_id_is_short_to_the_eye_and_whole_to_the_hand(alice):
    page = alice()
    made = page.made[OperationState.FAILED]
    page.goto(f"/requests/{made.pk}/")
    code = page.locator("#operation-id")
    assert code.bounding_box()["width"] < 100
    code.evaluate("one => getSelection().selectAllChildren(one)")
    assert page.evaluate("getSelection().toString()") == str(made.pk)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-copy=operation-id]")
    expect(page.locator("#announcer")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == str(made.pk)


def test_an_id_is_whole_without_script_and_on_paper(alice):
    page = alice(javascript=False)
    page.goto(f"/requests/{page.made[OperationState.FAILED].pk}/")
    rest = page.locator("#operation-id .id__rest")
    assert rest.bounding_box()["width"] > 100
    page.emulate_media(media="print")
    assert rest.bounding_box()["width"] > 100
