"""The pages in a real browser: keyboard, scripts, no script, polling."""

import re
from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import OperationState
from tests import factories as scene

pytestmark = pytest.mark.browser


# --- polling ---------------------------------------------------------------------------------


def _move_on(operation, state):
    operation.state = state
    operation.state_at = timezone.now()
    if operation.is_final:
        operation.finished_at = timezone.now()
    operation.save()


def test_a_row_follows_its_operation(alice, watch):
    page = alice("/snapshots/new/")
    made = scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/requests/")
    expect(page.locator(".badge")).to_have_text("Creating")
    page.focus(".row__link")
    _move_on(made, OperationState.SUCCEEDED)
    expect(page.locator(".badge")).to_have_text("Available")
    expect(page.locator(".row__link")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text(f"{made.name}: available")


def test_the_page_of_an_operation_gets_its_buttons_when_it_ends(alice):
    page = alice()
    made = scene.operation(page.person, page.volume, ago_seconds=1)
    page.goto(f"/requests/{made.pk}/")
    expect(page.locator("text=Cancel the request")).to_be_visible()
    _move_on(made, OperationState.REFUSED)
    expect(page.locator("button", has_text="Ask again")).to_be_visible()
    expect(page.locator("text=Cancel the request")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text(f"{made.name}: refused")
    expect(page).to_have_title(re.compile(f"^{made.name}: refused · "))


def test_without_script_an_open_page_loads_itself_anew(alice):
    page = alice(javascript=False)
    made = scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto(f"/requests/{made.pk}/")
    _move_on(made, OperationState.SUCCEEDED)
    expect(page.locator("#status-title")).to_have_text("Available", timeout=9000)
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_an_ended_session_is_told_above_the_rows_which_rest(alice, watch):
    watch.expected.append("401")
    page = alice()
    scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/requests/?state=open")
    expect(page.locator(".row__link")).to_be_visible()
    Session.objects.all().delete()
    expect(page.locator("main [role=alert]")).to_contain_text("Your session has ended")
    expect(page.locator(".row__link")).to_be_visible()
    page.click("text=Sign in again")
    expect(page.locator("#id_username")).to_be_visible()
    assert "next=/requests/%3Fstate%3Dopen" in page.url


def test_lost_contact_is_told_once_and_taken_back(alice, watch):
    watch.expected += ["ERR_INTERNET_DISCONNECTED", "htmx:"]
    page = alice()
    scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/requests/")
    expect(page.locator(".row__link")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("#contact")).to_contain_text("No contact with the portal since")
    expect(page.locator(".row__link")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#contact")).to_be_hidden()


def test_the_sandbox_accounts_fill_in_the_sign_in(open_context):
    page = open_context().new_page()
    page.goto("/accounts/login/")
    page.click("text=Fill in helen")
    expect(page.locator("#id_username")).to_have_value("helen")
    expect(page.locator("#id_password")).to_have_value("demo")


def test_old_times_stay_true(alice):
    page = alice()
    made = scene.operation(page.person, page.volume, state="succeeded", ago_seconds=30)
    page.clock.install()
    page.goto("/requests/")
    page.clock.fast_forward(timedelta(minutes=10).total_seconds() * 1000)
    expect(page.locator("time[data-ago]").first).to_have_text("10 minutes ago")
    assert made.is_final


def test_sign_in_page_offers_no_passkey_where_there_can_be_none(chromium, portal):
    """Browsers make none for a plain address."""
    with closing(
        chromium.new_context(base_url=portal.replace("localhost", "127.0.0.1"))
    ) as context:
        page = context.new_page()
        page.goto("/accounts/login/")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        expect(page.locator("form[data-passkey]")).to_be_hidden()
