"""The form while its scripts are on their way, and where they never come."""

import pytest
from playwright.sync_api import expect

from tests import factories as scene

pytestmark = pytest.mark.browser

SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve(sum)));
})"""
ENDED = "() => Promise.allSettled(document.getAnimations().map((each) => each.finished))"
PICKER_IS_HERE = """() => performance.getEntriesByType("resource").some(
  (entry) => entry.name.includes("/js/picker") && entry.responseEnd
)"""
NOTHING = 0.001  # a counter's text may get shorter


@pytest.mark.parametrize("name", ["alice", "helen"])
def test_nothing_moves_when_the_scripts_come(name, open_context, sign_in):
    context = open_context()
    scene.volume(granted_to=sign_in(context, name))
    page = context.new_page()
    late = []

    def hold(route):
        late.append(route)

    page.route("**/js/portal*.js", hold)
    page.goto("/snapshots/new/", wait_until="commit")
    expect(page.locator("#id_name")).to_be_visible()
    page.evaluate("() => new Promise(requestAnimationFrame)")  # it was painted without them
    for route in late:
        route.continue_()
    expect(page.get_by_role("combobox", name="Volume")).to_be_visible()
    page.evaluate(ENDED)  # what waits for the scripts waits no more
    assert page.evaluate(SHIFTS) < NOTHING


@pytest.mark.parametrize(
    ("scripts", "is_chosen"),
    [("**/htmx*.js", False), ("**/js/portal*.js", False), ("**/js/portal*.js", True)],
)
def test_picker_used_while_scripts_come_opens_its_list(scripts, is_chosen, open_context, sign_in):
    """The field's script asks for volumes by htmx, which listens when all scripts have run."""
    context = open_context()
    volume = scene.volume(granted_to=sign_in(context, "alice"))
    page = context.new_page()
    late = []

    def hold(route):
        late.append(route)

    page.route(scripts, hold)
    choice = f"?volume={volume.volume_id}" if is_chosen else ""
    page.goto(f"/snapshots/new/{choice}", wait_until="commit")
    page.wait_for_function(PICKER_IS_HERE)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    page.locator("#id_find").click()
    for route in late:
        route.continue_()
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()


def test_without_its_scripts_the_form_offers_what_helps(watch, open_context, sign_in):
    watch.expected.append("Failed to load resource")
    context = open_context()
    scene.volume(granted_to=sign_in(context, "alice"))
    page = context.new_page()
    page.route("**/js/*.js", lambda route: route.abort())
    page.goto("/snapshots/new/")
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    expect(page.get_by_role("button", name="Show volume")).to_be_visible()
    expect(page.locator("select[name=volume_id]")).to_be_visible()
