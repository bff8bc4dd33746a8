"""The page of one record in a real browser: without script, accessible, and on paper."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import factories as scene

pytestmark = pytest.mark.browser


@pytest.fixture
def record_page(open_context, sign_in):
    """The record of a create that differs, with a long body, as audrey sees it."""

    def open_page(**kind):
        context = open_context(**kind)
        sign_in(context, "audrey")
        alice = scene.person("alice")
        operation = scene.operation(alice, scene.volume(), state="succeeded")
        scene.snapshot(operation, name="before-upg")
        scene.exchange(operation, status=503)
        metadata = {f"key-{number}": "value" for number in range(60)}
        body = json.dumps({"snapshot": {"name": "before-upgrade", "metadata": metadata}})
        page = context.new_page()
        page.goto(f"/audit/{scene.exchange(operation, body=body).id}/")
        return page

    return open_page


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_accessible(dark, record_page):
    found = Axe().run(record_page(dark=dark))
    assert found.violations_count == 0, found.generate_report()


def test_the_command_is_chosen_without_script(record_page):
    page = record_page(javascript=False)
    page.get_by_role("link", name="Python").click()
    expect(page.locator("#command")).to_contain_text("import requests")
    expect(page.locator(".ways [aria-current]")).to_have_text("Python")


def test_it_fits_a_phone(record_page):
    page = record_page(width=320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_paper_shows_the_record_alone_light_and_whole(record_page):
    page = record_page(dark=True)
    page.emulate_media(media="print", color_scheme="dark")
    for hidden in (".top", ".foot", ".banners", ".neighbours", ".ways", ".button"):
        assert page.locator(hidden).count()
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#address")).to_be_visible()
    pre = page.locator("pre").first
    assert pre.evaluate("one => one.scrollHeight <= one.clientHeight + 1")
    assert pre.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 33, 53)"
    link = page.locator(".events a").first
    shown = link.evaluate("one => getComputedStyle(one, '::after').content")
    assert "/audit/" in shown or "attr(href)" in shown
