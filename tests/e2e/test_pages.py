"""The pages in a real browser: keyboard, scripts, no script, polling."""

import re
import unicodedata
from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.templatetags.static import static
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.evs.limits import utf8_length
from snapshots.models import Operation, OperationState
from snapshots.models.folding import fold
from tests import factories as scene
from tests.search.test_folding import ALIKE

pytestmark = pytest.mark.browser
UNASSIGNED = {"Cn", "Co", "Cs"}


@pytest.fixture
def alice(open_context, sign_in):
    """Alice's page in a context of the kind the test asks for, and ten volumes of hers."""

    def open_page(path="/", **kind):
        context = open_context(**kind)
        person = sign_in(context, "alice")
        page = context.new_page()
        page.person = person
        page.volume = scene.volume(granted_to=person)
        page.busy = scene.volume("db-data", granted_to=person, status="in-use")
        for number in range(8):
            scene.volume(f"spare-{number}", granted_to=person)
        page.goto(path)
        return page

    return open_page


# --- the form --------------------------------------------------------------------------------


def _tab_to(page, selector):
    for _ in range(40):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with the keyboard")


def test_the_form_by_keyboard_alone(alice):
    page = alice("/snapshots/new/")
    _tab_to(page, "#volume-search")
    page.keyboard.type("db-data")
    page.keyboard.press("ArrowDown")
    with page.expect_response("**/snapshots/new/volume/**"):
        page.keyboard.press("ArrowDown")
    _tab_to(page, "#id_force")
    page.keyboard.press("Space")
    _tab_to(page, "#id_name")
    page.keyboard.type("by-keyboard")
    _tab_to(page, "#id_metadata-0-key")
    page.keyboard.type("team")
    _tab_to(page, "#id_metadata-0-value")
    page.keyboard.type("payroll")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("by-keyboard")
    made = Operation.objects.get()
    assert (made.volume_id, made.force) == (page.busy.volume_id, True)
    assert made.metadata == {"team": "payroll"}


def test_problems_get_the_focus_and_lead_to_their_fields(alice):
    page = alice("/snapshots/new/")
    page.fill("#id_name", "autobk_snapshot")
    page.click(".form__end button")
    expect(page.locator(".problems")).to_be_focused()
    page.locator(".problems a").nth(1).click()
    expect(page.locator("#id_name")).to_be_focused()


def test_only_the_list_of_volumes_is_marked_wrong_not_its_search(alice):
    page = alice("/snapshots/new/")
    page.click(".form__end button")
    expect(page.locator("#id_volume_id")).not_to_have_css("box-shadow", "none")
    expect(page.locator("#volume-search")).to_have_css("box-shadow", "none")


def test_the_list_of_volumes_is_searched(alice):
    page = alice("/snapshots/new/")
    expect(page.locator("[data-found]")).to_have_text("10 volumes")
    page.fill("#volume-search", "db")
    expect(page.locator("[data-found]")).to_have_text("1 of 10 volumes")
    page.fill("#volume-search", page.volume.volume_id)
    expect(page.locator("#id_volume_id option")).to_have_count(2)  # it, and "Choose"
    page.locator("#id_volume_id option").last.click()
    expect(page.locator("#volume-facts")).to_contain_text("web-01-data")
    expect(page.locator("#id_volume_id")).to_have_js_property("size", 1)


def test_the_list_of_volumes_finds_every_spelling(alice):
    page = alice("/")
    for line in ALIKE:
        scene.volume(line[0], granted_to=page.person)
    page.goto("/snapshots/new/")
    for line in ALIKE:
        for typed in line:
            page.fill("#volume-search", typed)
            found = page.locator("#id_volume_id option").all_text_contents()
            assert [one for one in found if one.startswith(f"{line[0]} ·")], typed
            assert not [one for one in found if one.startswith("spare-")], typed


def test_the_script_folds_every_letter_as_the_server_does(alice):
    """Letters of one case only (Cherokee) fold to the other one there; both sides agree in that."""
    page = alice("/")
    codes = [code for code in range(0x110000) if unicodedata.category(chr(code)) not in UNASSIGNED]
    folded = page.evaluate(
        "async ([address, codes]) => {"
        "  const { fold } = await import(address);"
        "  return codes.map((code) => fold(String.fromCodePoint(code)));"
        "}",
        [static("js/folding.js"), codes],
    )
    differ = {chr(code) for code, one in zip(codes, folded, strict=True) if one != fold(chr(code))}
    assert {unicodedata.name(one).split()[0] for one in differ} <= {"CHEROKEE"}


def test_consent_is_asked_for_one_volume_at_a_time(alice):
    page = alice("/snapshots/new/")
    page.select_option("#id_volume_id", page.busy.volume_id)
    page.check("#id_force")
    page.select_option("#id_volume_id", page.volume.volume_id)
    expect(page.locator("#id_force")).to_have_count(0)
    page.select_option("#id_volume_id", page.busy.volume_id)
    expect(page.locator("#id_force")).not_to_be_checked()


def test_the_suggested_name_is_taken_over(alice):
    page = alice("/snapshots/new/")
    page.select_option("#id_volume_id", page.volume.volume_id)
    page.click("text=Use it")
    expect(page.locator("#id_name")).to_have_value(re.compile(r"^web-01-data-\d{8}-\d{4}$"))


def test_rows_come_and_go_with_script(alice):
    page = alice("/snapshots/new/")
    page.fill("#id_metadata-0-key", "first")
    page.click("text=Add a row")
    expect(page.locator("#id_metadata-1-key")).to_be_focused()
    page.keyboard.type("second")
    page.locator("[data-row='0'] [data-remove-row]").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("#id_metadata-1-key")).to_have_value("second")
    page.click("text=Add a row")
    expect(page.locator("#id_metadata-2-key")).to_be_focused()


def test_the_whole_form_without_script(alice):
    page = alice("/snapshots/new/", javascript=False)
    page.select_option("#id_volume_id", page.busy.volume_id)
    page.fill("#id_name", "no-script")
    page.click("text=Show volume")
    page.check("#id_force")
    page.fill("#id_metadata-0-key", "a")
    page.click("text=Add a row")
    page.fill("#id_metadata-1-key", "b")
    page.fill("#id_metadata-1-value", "2")
    page.locator("[data-row='0'] [data-remove-row]").click()
    expect(page.locator("#id_force")).to_be_checked()
    page.click(".form__end button")
    expect(page.locator("h1")).to_have_text("no-script")
    made = Operation.objects.get()
    assert (made.force, made.metadata) == (True, {"b": "2"})


@pytest.mark.parametrize("javascript", [True, False])
def test_enter_in_a_text_field_asks(javascript, alice):
    page = alice("/snapshots/new/", javascript=javascript)
    page.select_option("#id_volume_id", page.volume.volume_id)
    page.press("#id_name", "Enter")
    expect(page.locator("h2", has_text="Waiting")).to_be_visible()


def test_the_counter_counts_as_the_server_does(alice):
    page = alice("/snapshots/new/")
    for text in ("abc", "  şğ ", "漢字", "🙂", "\u3000x\u3000", "\x85a\x1c", "\ufeffa"):
        page.fill("#id_name", text)
        expected = f"{utf8_length(text.strip())} of 255 bytes"
        expect(page.locator("#id_name_count")).to_have_text(expected)
    page.fill("#id_name", "ş" * 128)
    expect(page.locator("#id_name_count")).to_have_class(re.compile("counter--over"))


# --- polling ---------------------------------------------------------------------------------


def _move_on(operation, state):
    operation.state = state
    operation.state_at = timezone.now()
    if operation.is_final:
        operation.finished_at = timezone.now()
    operation.save()


def test_a_row_follows_its_operation_and_then_rests(alice, watch):
    page = alice("/snapshots/new/")
    made = scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/")
    expect(page.locator(".badge")).to_have_text("Creating")
    page.focus(".row__link")
    _move_on(made, OperationState.SUCCEEDED)
    expect(page.locator(".badge")).to_have_text("Available")
    expect(page.locator(".row__link")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("0 unfinished")
    expect(page.locator("#rows[hx-trigger]")).to_have_count(0)


def test_the_page_of_an_operation_gets_its_buttons_when_it_ends(alice):
    page = alice()
    made = scene.operation(page.person, page.volume, ago_seconds=1)
    page.goto(f"/requests/{made.pk}/")
    expect(page.locator("text=Cancel the request")).to_be_visible()
    _move_on(made, OperationState.REFUSED)
    expect(page.locator("button", has_text="Ask again")).to_be_visible()
    expect(page.locator("text=Cancel the request")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("Refused")


def test_without_script_an_open_page_loads_itself_anew(alice):
    page = alice(javascript=False)
    made = scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto(f"/requests/{made.pk}/")
    expect(page.locator(".scripted")).to_be_hidden()
    _move_on(made, OperationState.SUCCEEDED)
    expect(page.locator("#status-title")).to_have_text("Available", timeout=9000)
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_an_ended_session_is_told_above_the_rows_which_rest(alice, watch):
    watch.expected.append("401")
    page = alice()
    scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/?state=open")
    expect(page.locator(".row__link")).to_be_visible()
    Session.objects.all().delete()
    expect(page.locator("main [role=alert]")).to_contain_text("Your session has ended")
    expect(page.locator(".row__link")).to_be_visible()
    expect(page.locator("#rows[hx-trigger]")).to_have_count(0)
    page.click("text=Sign in again")
    expect(page.locator("#id_username")).to_be_visible()
    assert "next=/%3Fstate%3Dopen" in page.url


def test_lost_contact_is_told_once_and_taken_back(alice, watch):
    watch.expected += ["ERR_INTERNET_DISCONNECTED", "htmx:"]
    page = alice()
    scene.operation(page.person, page.volume, state="accepted", ago_seconds=1)
    page.goto("/")
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
    page.goto("/")
    page.clock.fast_forward(timedelta(minutes=10).total_seconds() * 1000)
    expect(page.locator("time[data-ago]").first).to_have_text("10 minutes ago")
    assert made.is_final


def test_going_back_to_a_form_brings_back_what_is_known_of_its_volume(alice):
    page = alice("/snapshots/new/")
    page.select_option("#id_volume_id", page.busy.volume_id)
    page.goto("/volumes/")
    page.go_back()
    expect(page.locator("#volume-facts")).to_contain_text("db-data")
    expect(page.locator("#id_force")).not_to_be_checked()


def _fill_in(page):
    page.select_option("#id_volume_id", page.volume.volume_id)
    page.fill("#id_name", "typed-with-care")
    page.fill("#id_metadata-0-key", "first")
    page.fill("#id_metadata-0-value", "1")
    page.click("text=Add a row")
    page.fill("#id_metadata-1-key", "team")
    page.fill("#id_metadata-1-value", "second")


def _sign_in_again(page):
    page.person.set_password("demo")
    page.person.save()
    page.fill("#id_username", page.person.username)
    page.fill("#id_password", "demo")
    page.press("#id_password", "Enter")


def _expect_filled_in(page):
    expect(page.locator("#id_name")).to_have_value("typed-with-care")
    expect(page.locator("#id_name_count")).to_have_text("15 of 255 bytes")
    expect(page.locator("#id_metadata-0-key")).to_have_value("first")
    expect(page.locator("#id_metadata-1-value")).to_have_value("second")
    expect(page.locator("#volume-facts")).to_contain_text("web-01-data")


def test_what_was_typed_is_there_after_leaving_and_coming_back(alice):
    page = alice("/snapshots/new/")
    _fill_in(page)
    page.goto("/volumes/")
    page.go_back()
    _expect_filled_in(page)


def test_without_script_the_browser_keeps_what_was_typed(alice):
    page = alice("/snapshots/new/", javascript=False)
    page.fill("#id_name", "typed-with-care")
    page.goto("/volumes/")
    page.go_back()
    expect(page.locator("#id_name")).to_have_value("typed-with-care")


def test_what_was_typed_outlives_an_ended_session(alice):
    page = alice("/snapshots/new/")
    _fill_in(page)
    Session.objects.all().delete()
    page.click(".form__end button")
    expect(page.locator("main")).to_contain_text("nothing was asked")
    _sign_in_again(page)
    _expect_filled_in(page)
    page.click(".form__end button")
    expect(page.locator("h1")).to_have_text("typed-with-care")
    assert "typed" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_what_was_typed_outlives_a_failed_send(alice, watch, monkeypatch):
    watch.expected.append("503")
    page = alice("/snapshots/new/")
    _fill_in(page)

    def busy(**_told):
        raise OperationalError("database is locked")

    monkeypatch.setattr("snapshots.views.request.ask_for_operation", busy)
    page.click(".form__end button")
    expect(page.locator("h1")).to_contain_text("cannot reach its database")
    page.go_back()
    _expect_filled_in(page)


def test_nothing_typed_stays_after_signing_out(alice):
    page = alice("/snapshots/new/")
    _fill_in(page)
    page.click("text=Sign out")
    expect(page.locator("#id_username")).to_be_visible()
    assert "typed" not in page.evaluate("JSON.stringify(sessionStorage)")


@pytest.mark.parametrize("javascript", [True, False])
def test_going_back_to_a_form_that_was_sent_shows_what_it_asked_for(javascript, alice):
    page = alice("/snapshots/new/", javascript=javascript)
    page.select_option("#id_volume_id", page.volume.volume_id)
    page.click(".form__end button")
    expect(page.locator("h2", has_text="Waiting")).to_be_visible()
    page.go_back()
    expect(page.locator("main")).to_contain_text("This form was already sent")
    page.goto("/snapshots/new/")  # a form opened anew is a new one
    page.select_option("#id_volume_id", page.volume.volume_id)
    page.click(".form__end button")
    expect(page.locator("main")).to_contain_text("Your request is recorded")
    assert Operation.objects.count() == 2


def test_sign_in_page_offers_no_passkey_where_there_can_be_none(chromium, portal):
    """Browsers make none for a plain address."""
    with closing(
        chromium.new_context(base_url=portal.replace("localhost", "127.0.0.1"))
    ) as context:
        page = context.new_page()
        page.goto("/accounts/login/")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        expect(page.locator("form[data-passkey]")).to_be_hidden()
