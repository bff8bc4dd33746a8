"""The form in a real browser: keyboard, scripts, no script, and nothing typed is lost."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from playwright.sync_api import expect

from snapshots.evs.limits import utf8_length
from snapshots.models import Operation
from tests.e2e.choosing import choose

pytestmark = pytest.mark.browser


def _tab_to(page, selector):
    for _ in range(40):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with the keyboard")


def test_the_form_by_keyboard_alone(alice):
    page = alice("/snapshots/new/")
    expect(page.locator("#id_find")).to_be_focused()
    page.keyboard.type("DB-data")
    expect(page.get_by_role("option", selected=True)).to_contain_text("db-data")
    page.keyboard.press("Enter")
    expect(page.locator("#volume-facts")).to_contain_text("db-data")
    _tab_to(page, "#id_force")
    page.keyboard.press("Space")
    _tab_to(page, "#id_name")
    page.keyboard.press("Control+A")
    page.keyboard.type("by-keyboard")
    _tab_to(page, "summary")
    page.keyboard.press("Enter")
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


def test_consent_is_asked_for_one_volume_at_a_time(alice):
    page = alice("/snapshots/new/")
    choose(page, page.busy)
    page.check("#id_force")
    choose(page, page.volume)
    expect(page.locator("#id_force")).to_have_count(0)
    choose(page, page.busy)
    expect(page.locator("#id_force")).not_to_be_checked()


def test_name_follows_the_volume_until_another_is_typed(alice):
    page = alice("/snapshots/new/")
    choose(page, page.volume)
    expect(page.locator("#id_name")).to_have_value(re.compile(r"^web-01-data-\d{8}-\d{4}Z$"))
    choose(page, page.busy)
    expect(page.locator("#id_name")).to_have_value(re.compile(r"^db-data-"))
    page.fill("#id_name", "my own")
    choose(page, page.volume)
    expect(page.locator("#id_name")).to_have_value("my own")


def test_rows_come_and_go_with_script(alice):
    page = alice("/snapshots/new/")
    page.focus("#id_name")  # the open list folds
    page.click("summary")
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
    choose(page, page.busy)
    page.fill("#id_name", "no-script")
    page.click("text=Show volume")
    page.check("#id_force")
    page.click("summary")
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
    choose(page, page.volume)
    page.press("#id_name", "Enter")
    expect(page.locator("h2", has_text="Waiting")).to_be_visible()


def test_the_counter_counts_as_the_server_does(alice):
    page = alice("/snapshots/new/")
    for text in ("abc", "  şğ ", "漢字", "🙂", "\u3000x\u3000", "\x85a\x1c", "\ufeffa"):
        page.fill("#id_name", text)
        expected = f"{utf8_length(text.strip())} of 255 bytes"
        expect(page.locator("#id_name_count")).to_have_text(expected)
    page.fill("#id_name", "ş" * 128)
    expect(page.locator("#id_name_count")).to_have_text("256 of 255 bytes, 1 letter too many")
    expect(page.locator("#id_name_count")).to_have_class(re.compile("counter--over"))


# --- nothing is lost ------------------------------------------------------------------------


def test_going_back_to_a_form_brings_back_what_is_known_of_its_volume(alice):
    page = alice("/snapshots/new/")
    choose(page, page.busy)
    page.goto("/volumes/")
    page.go_back()
    expect(page.locator("#volume-facts")).to_contain_text("db-data")
    expect(page.locator("#id_force")).not_to_be_checked()


def _fill_in(page):
    choose(page, page.volume)
    page.fill("#id_name", "typed-with-care")
    page.click("summary")
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


def test_what_was_typed_outlives_an_ended_session(alice, watch):
    watch.expected.append("401")  # what is checked while typing
    page = alice("/snapshots/new/")
    _fill_in(page)
    Session.objects.all().delete()
    page.click(".form__end button")
    expect(page.locator("main")).to_contain_text("nothing was asked")
    _sign_in_again(page)
    _expect_filled_in(page)
    page.click(".form__end button")
    expect(page.locator("h1")).to_have_text("typed-with-care")
    page.wait_for_function("() => !JSON.stringify(sessionStorage).includes('typed')")


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


def test_nothing_typed_stays_after_signing_out(alice, watch):
    watch.expected.append("401")  # what is checked while typing
    page = alice("/snapshots/new/")
    _fill_in(page)
    page.click("text=Sign out")
    expect(page.locator("#id_username")).to_be_visible()
    page.wait_for_function("() => !JSON.stringify(sessionStorage).includes('typed')")


@pytest.mark.parametrize("javascript", [True, False])
def test_going_back_to_a_form_that_was_sent_shows_what_it_asked_for(javascript, alice):
    page = alice("/snapshots/new/", javascript=javascript)
    choose(page, page.volume)
    page.click(".form__end button")
    expect(page.locator("h2", has_text="Waiting")).to_be_visible()
    page.go_back()
    expect(page.locator("main")).to_contain_text("This form was already sent")
    page.goto("/snapshots/new/")  # a form opened anew is a new one
    choose(page, page.volume)
    page.click(".form__end button")
    expect(page.locator("main")).to_contain_text("Your request is recorded")
    assert Operation.objects.count() == 2
