"""What the tasks of three audiences cost: `docs/walkthrough.md` has the figures of these walks."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from snapshots.models import Operation
from tests import factories as scene
from tests.e2e.walking import Walker

pytestmark = pytest.mark.browser
PAGE = Path(__file__).parents[2] / "docs/walkthrough.md"
TICKET = {"ticket": "CHG-1042", "on_behalf_of": "Deniz Öztürk", "reason": "Patch day"}
WEB = {"status": "in-use", "server_ids": ["web-01"], "attached_to": "web-01 (/dev/vda)"}


def documented(task):
    """Clicks, keys and page loads of the line that begins so."""
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {task} |")]
    return tuple(map(int, re.findall(r"\| (\d+) (?=\|)", line)))


@pytest.fixture
def walker(open_context):
    page = open_context().new_page()
    return Walker(page)


@pytest.fixture
def walking_as(open_context, sign_in):
    """A walker who is signed in, and the person."""

    def walk(name):
        context = open_context()
        person = sign_in(context, name)
        return Walker(context.new_page()), person

    return walk


def expect_recorded(page):
    expect(page.locator("main")).to_contain_text("Your request is recorded")


def test_staff_from_sign_in_to_submitted(walker):
    alice = scene.person("alice", password="demo")
    scene.volume(granted_to=alice)
    scene.volume("web-01-logs", granted_to=alice)
    page = walker.page
    page.goto("/accounts/login/")
    walker.start()
    page.fill("#id_username", "alice")
    page.fill("#id_password", "demo")
    walker.click(page.get_by_role("button", name="Sign in", exact=True))
    walker.click(page.get_by_role("link", name="New snapshot"))
    walker.click(page.get_by_role("listbox").get_by_role("option", name="web-01-data"))
    expect(page.locator("#id_name")).to_have_value(re.compile("^web-01-data-"))
    walker.click(page.locator(".form__end button"))
    expect_recorded(page)
    assert walker.cost == documented("staff: from the sign-in to a submitted request")
    assert walker.clicks <= 4


def test_staff_with_the_keyboard_alone(walking_as):
    walker, alice = walking_as("alice")
    for name in ("web-01-data", "db-data"):
        scene.volume(name, granted_to=alice)
    page = walker.page
    page.goto("/snapshots/new/")
    expect(page.get_by_role("option")).to_have_count(2)
    walker.start()
    walker.type(page.locator("#id_find"), "db")
    expect(page.get_by_role("option", selected=True)).to_contain_text("db-data")
    walker.press("Enter")
    expect(page.locator("#id_name")).to_have_value(re.compile("^db-data-"))
    page.keyboard.press("Tab")
    walker.keys += 1
    while not page.locator("#id_name").evaluate("field => field === document.activeElement"):
        walker.press("Tab")
    walker.press("Enter")
    expect_recorded(page)
    assert walker.cost == documented("staff: from the form to a submitted request, by keyboard")


def test_link_of_a_ticket_to_submitted(walking_as):
    walker, _helen = walking_as("helen")
    volume = scene.volume(**WEB)
    page = walker.page
    query = "&".join(f"{name}={text}" for name, text in TICKET.items())
    page.goto(f"/snapshots/new/?volume={volume.volume_id}&{query}")
    walker.start()
    walker.click(page.locator("#id_force"))
    walker.click(page.locator(".form__end button"))
    expect_recorded(page)
    assert walker.cost == documented("helpdesk: from a link of the ticket system to submitted")
    assert walker.clicks <= 2
    assert Operation.objects.get().ticket == "CHG-1042"


def test_second_disk_of_a_ticket(walking_as):
    walker, helen = walking_as("helen")
    first = scene.volume("web-01-system", **WEB)
    second = scene.volume("web-01-data", **WEB)
    made = scene.operation(helen, first, **TICKET)
    page = walker.page
    page.goto(f"/requests/{made.pk}/")
    walker.start()
    walker.click(page.get_by_role("link", name="web-01-data"))
    walker.click(page.locator("#id_force"))
    walker.click(page.locator(".form__end button"))
    expect_recorded(page)
    assert walker.cost == documented("helpdesk: the second disk of a ticket")
    assert (walker.clicks <= 3, walker.keys) == (True, 0)
    newest = Operation.objects.order_by("-asked_at").first()
    assert (newest.volume_id, newest.ticket) == (second.volume_id, "CHG-1042")
    assert (newest.on_behalf_of, newest.reason) == ("Deniz Öztürk", "Patch day")


def test_auditor_from_a_request_to_what_was_sent(walking_as):
    walker, _audrey = walking_as("audrey")
    made = scene.operation(scene.person("alice"), scene.volume(), state="succeeded")
    exchange = scene.exchange(made)
    page = walker.page
    page.goto(f"/requests/{made.pk}/")
    walker.start()
    walker.click(page.get_by_role("link", name="What was sent and answered"))
    walker.click(page.locator(f"main a[href*='/audit/{exchange.id}/']").first)
    page.wait_for_url(f"**/audit/{exchange.id}/**")
    assert walker.cost == documented("auditor: from a request to what was sent and answered")
