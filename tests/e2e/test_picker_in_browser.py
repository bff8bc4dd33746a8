"""Choosing the volume in a real browser: a combobox on the server's answers."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import Volume
from tests import factories as scene
from tests.e2e.choosing import choose
from tests.search.test_folding import ALIKE

pytestmark = pytest.mark.browser
OPTIONS = "#volume-offers [role=option]"


def test_list_opens_by_itself_where_nothing_is_chosen(alice):
    page = alice("/snapshots/new/")
    expect(page.locator("#id_find")).to_have_attribute("aria-expanded", "true")
    expect(page.locator(OPTIONS)).to_have_count(10)


def test_arrows_enter_and_escape_work_as_in_a_combobox(alice):
    page = alice("/snapshots/new/")
    box = page.locator("#id_find")
    expect(page.locator(OPTIONS)).to_have_count(10)
    box.press("ArrowDown")
    first = page.locator(OPTIONS).first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    expect(box).to_be_focused()
    box.press("ArrowUp")
    expect(page.locator(OPTIONS).last).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.locator("#volume-facts h2")).to_have_count(1)
    expect(box).not_to_have_value("")


def test_open_list_is_accessible(alice):
    page = alice("/snapshots/new/")
    expect(page.locator(OPTIONS)).to_have_count(10)
    assert Axe().run(page).response["violations"] == []


def test_pasted_id_chooses_at_once(alice):
    page = alice("/snapshots/new/")
    page.fill("#id_find", page.volume.volume_id)
    expect(page.locator("#volume-facts")).to_contain_text("web-01-data")
    expect(page.locator("#id_find")).to_have_value("web-01-data")


def test_text_that_chose_nothing_goes_back_to_the_choice(alice):
    page = alice("/snapshots/new/")
    choose(page, page.volume)
    page.fill("#id_find", "db-d")
    expect(page.locator(OPTIONS)).to_have_count(1)
    page.focus("#id_name")
    expect(page.locator("#id_find")).to_have_value("web-01-data")
    expect(page.locator("#volume-offers")).to_be_hidden()


TYPE_AND_CLICK = """() => new Promise((resolve) => {
    const list = document.getElementById("volume-offers");
    list.addEventListener("htmx:afterSwap", () => setTimeout(resolve));
    document.getElementById("id_find").value = "spare";
    document.getElementById("id_find").dispatchEvent(new Event("input", { bubbles: true }));
    list.querySelector("[role=option]").click();
})"""


def test_answer_after_the_choice_opens_nothing(alice):
    page = alice("/snapshots/new/")
    expect(page.locator(OPTIONS)).to_have_count(10)
    page.evaluate(TYPE_AND_CLICK)
    expect(page.locator("#volume-facts h2")).to_have_count(1)
    expect(page.locator("#volume-offers")).to_be_hidden()


def test_how_many_match_is_read_aloud(alice):
    page = alice("/snapshots/new/")
    page.fill("#id_find", "spare")
    expect(page.locator("#announcer")).to_have_text("8 volumes")
    page.fill("#id_find", "nothing of the kind")
    expect(page.locator("#announcer")).to_have_text("No volume matches")


def test_closed_volume_is_shown_and_cannot_be_chosen(alice):
    page = alice()
    scene.volume("mail-spool", granted_to=page.person, status="extending")
    page.goto("/snapshots/new/")
    page.fill("#id_find", "mail-spool")
    option = page.get_by_role("listbox").get_by_role("option", name="mail-spool")
    expect(option).to_have_attribute("aria-disabled", "true")
    option.click(force=True)
    expect(page.locator("#id_volume_id")).to_have_value("")


def test_only_the_search_is_marked_wrong(alice):
    page = alice("/snapshots/new/")
    page.press("#id_find", "Escape")
    page.click(".form__end button")
    expect(page.locator("#id_find")).to_have_attribute("aria-invalid", "true")
    page.locator(".problems a").first.click()
    expect(page.locator("#id_find")).to_be_focused()


def test_search_finds_every_spelling(alice):
    page = alice()
    for line in ALIKE:
        scene.volume(line[0], granted_to=page.person)
    page.goto("/snapshots/new/")
    for line in ALIKE:
        for typed in line:
            page.fill("#id_find", typed)
            expect(page.locator(OPTIONS, has_text=line[0]).first).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_ten_thousand_volumes_without_a_name(javascript, open_context, sign_in):
    context = open_context(javascript=javascript, width=320)
    sign_in(context, "helen")
    Volume.objects.bulk_create(
        Volume(
            cloud="sandbox",
            volume_id=f"{number:08d}-0000-4000-8000-000000000000",
            status="available",
            seen_at=timezone.now(),
            server_ids=[],
        )
        for number in range(10_000)
    )
    page = context.new_page()
    page.goto("/snapshots/new/?ticket=CHG-1")
    wanted = Volume.objects.get(volume_id__startswith="00007777")
    if javascript:
        page.fill("#id_find", "00007777")
        expect(page.locator(OPTIONS)).to_have_count(1)
        page.locator(OPTIONS).click()
    else:
        expect(page.locator("main")).to_contain_text("20 of 10000 volumes")
        page.fill("#id_find", "00007777")
        page.get_by_role("button", name="Search").click()
        choose(page, wanted)
        page.click("text=Show volume")
    expect(page.locator("#volume-facts")).to_have_attribute("data-volume", wanted.volume_id)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_name_of_255_bytes_of_arabic_fits_everywhere(open_context, sign_in):
    context = open_context(width=320)
    person = sign_in(context, "alice")
    name = ("\u0645\u064e\u062d\u0651" * 40)[:127]
    volume = scene.volume(name, granted_to=person)
    page = context.new_page()
    page.goto("/snapshots/new/")
    expect(page.locator(OPTIONS)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    choose(page, volume)
    expect(page.locator("#id_name")).not_to_have_value("")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.click(".form__end .button--main")
    expect(page.locator("main")).to_contain_text("Your request is recorded")
