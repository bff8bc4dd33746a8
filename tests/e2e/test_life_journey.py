"""Every kind of request in a browser, with and without JavaScript, by staff and by the helpdesk."""

import pytest
from playwright.sync_api import expect

from tests.e2e.living import Life, volume_address
from tests.e2e.stack import open_browser, running
from tests.e2e.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TICKET = {"ticket": "CHG-1042", "on_behalf_of": "Deniz Öztürk", "reason": "Patch day"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("life")) as stack:
        yield stack
        assert "Traceback" not in stack.log()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def life_of(request, stack, chromium):
    """The life of a snapshot of a volume, walked by a person."""
    with open_browser(chromium, stack.url, javascript=request.param) as page:

        def walk(person, volume):
            sign_in(page, person)
            return Life(page, volume_address(page, volume), has_script=request.param)

        yield walk


def test_staff_take_rename_describe_and_delete(life_of):
    life = life_of("alice", "web-01-logs")
    life.take("before the release")
    life.rename("before the release, kept")
    life.set_metadata("purpose", "release 7")
    life.expect_page("Your role does not include this. Ask the helpdesk.")
    life.delete("before the release, kept")
    life.expect_page("deleted")


def test_helpdesk_rolls_back_and_restores_too(life_of):
    life = life_of("helen", "build-cache")
    life.take("known good", **TICKET)
    life.rename("known good, checked", **TICKET)
    life.set_metadata("purpose", "patch day", **TICKET)
    life.roll_back("build-cache", **TICKET)
    life.restore("build-cache-copy", **TICKET)
    life.delete("known good, checked", **TICKET)
    life.expect_page("deleted")
    life.page.goto(life.volume_address)
    expect(life.page.locator("main")).to_contain_text("build-cache-2")  # taken before the rollback
