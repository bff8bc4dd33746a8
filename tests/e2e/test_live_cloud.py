"""The main job against a live cloud, through the web pages.

Asked for by name: EVSPORTAL_LIVE_AUTH_URL, _USERNAME, _PASSWORD, _PROJECT, _DOMAIN, _REGION, and
_DIALECT (native-v3 for a plain OpenStack Cinder). The project needs a volume that is available and
one that is in use; EVSPORTAL_LIVE_SMALL_USERNAME, _PASSWORD and _PROJECT name a project whose
snapshot quota is used up by at most three snapshots. It deletes only what it made, but it rolls a
volume back to a snapshot that it has just taken: name a project that holds nothing of worth.
"""

import os
import re

import pytest
import requests
import yaml
from playwright.sync_api import expect

from tests.e2e.living import Life
from tests.e2e.stack import Stack, open_browser
from tests.e2e.test_journey import sign_in, status, take

LIVE = {
    name.removeprefix("EVSPORTAL_LIVE_").lower(): value
    for name, value in os.environ.items()
    if name.startswith("EVSPORTAL_LIVE_")
}
pytestmark = [
    pytest.mark.live,
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif("auth_url" not in LIVE, reason="no live cloud is named"),
]
PASSWORD = "a long way to the harbour"  # the demo's is refused beside a real cloud
PEOPLE = """
from django.contrib.auth.models import Group, User
for name, group in (("helen", "helpdesk"), ("audrey", "auditor")):
    User.objects.create_user(name, password="PASSWORD").groups.add(Group.objects.get(name=group))
""".replace("PASSWORD", PASSWORD)


def cloud(prefix=""):
    return {
        "auth": {
            "auth_url": LIVE["auth_url"],
            "username": LIVE[f"{prefix}username"],
            "password": LIVE[f"{prefix}password"],
            "project_name": LIVE[f"{prefix}project"],
            "user_domain_name": LIVE.get("domain", "Default"),
            "project_domain_name": LIVE.get("domain", "Default"),
        },
        "region_name": LIVE.get("region", ""),
        "evs": {"dialect": LIVE.get("dialect", "native-v3")},
    }


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    clouds = {"main": cloud()} | ({"small": cloud("small_")} if "small_username" in LIVE else {})
    file = folder / "clouds.yaml"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump({"clouds": clouds}))
    stack = Stack(folder, EVSPORTAL_MODE="cloud", EVSPORTAL_CLOUDS=str(file))
    stack.manage("migrate", "-v0")
    assert LIVE["project"] in stack.manage("cloud_ping", "main")
    stack.manage("shell", "-v0", "-c", PEOPLE)
    stack.start()
    yield stack
    stack.stop()
    assert "Traceback" not in stack.log()


@pytest.fixture
def page(stack, chromium):
    with open_browser(chromium, stack.url) as page:
        sign_in(page, "helen", PASSWORD)
        yield page


def choose(page, cloud, state):
    """A volume of this cloud in this state, found on the page of volumes."""
    for _ in range(40):
        page.goto("/volumes/")
        rows = page.get_by_role("row").filter(has_text=re.compile(rf"\b{state}\b"))
        rows = rows.filter(has_text=cloud)
        if rows.count():
            rows.first.get_by_role("link", name="Snapshot").click()
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"No volume of {cloud} is {state}.")


def test_a_snapshot_with_metadata_becomes_available_and_is_audited(page, stack, chromium):
    choose(page, "main", "available")
    page.get_by_label("Name").fill("portal live test")
    page.locator("summary").click()
    page.get_by_label("Key", exact=True).fill("purpose")
    page.get_by_label("Value").fill("live test")
    take(page)
    expect(status(page)).to_contain_text("Available", timeout=60_000)
    with open_browser(chromium, stack.url) as audit:
        sign_in(audit, "audrey", PASSWORD)
        audit.goto(f"/audit/?operation={page.url.rstrip('/').split('/')[-1]}")
        audit.get_by_role("row", name="Create the snapshot").first.get_by_role("link").first.click()
        expect(audit.locator("main")).to_contain_text('"purpose": "live test"')
        expect(audit.locator("main")).to_contain_text("202")


class Console:
    """The cloud's own interface, past the portal."""

    def __init__(self):
        user = {"name": LIVE["username"], "password": LIVE["password"]}
        domain = {"domain": {"name": LIVE.get("domain", "Default")}}
        scope = {"project": {"name": LIVE["project"], **domain}}
        identity = {"methods": ["password"], "password": {"user": user | domain}}
        auth = {"auth": {"identity": identity, "scope": scope}}
        answer = requests.post(f"{LIVE['auth_url']}/auth/tokens", json=auth, timeout=30)
        self._headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
        services = answer.json()["token"]["catalog"]
        storage = next(one for one in services if one["type"] in {"block-storage", "volumev3"})
        self._url = next(
            one["url"].rstrip("/") for one in storage["endpoints"] if one["interface"] == "public"
        )

    def snapshot_of(self, volume_id, name):
        body = {"snapshot": {"volume_id": volume_id, "name": name}}
        answer = requests.post(
            f"{self._url}/snapshots", json=body, headers=self._headers, timeout=30
        )
        assert answer.status_code == 202, answer.text
        return answer.json()["snapshot"]["id"]

    def snapshot_ids(self):
        """Of the whole project, by pages."""
        ids, rows = [], None
        while rows is None or rows:
            query = {"limit": 500} | ({"marker": ids[-1]} if ids else {})
            answer = requests.get(
                f"{self._url}/snapshots", params=query, headers=self._headers, timeout=60
            )
            rows = [row["id"] for row in answer.json()["snapshots"]]
            ids += rows
        return set(ids)

    def delete(self, snapshot_id):
        address = f"{self._url}/snapshots/{snapshot_id}"
        assert requests.delete(address, headers=self._headers, timeout=30).status_code == 202


@pytest.mark.timeout(600)
def test_the_life_of_a_snapshot(page):
    choose(page, "main", "available")
    volume_id = page.locator("#id_volume_id").input_value()
    life = Life(page, f"/volumes/main/{volume_id}/", has_script=True)
    life.take("portal live test, life")
    life.rename("portal live test, renamed")
    life.set_metadata("purpose", "live test")
    page.goto(life.volume_address)
    volume_name = page.get_by_role("heading", level=1).inner_text()
    life.roll_back(volume_name)
    life.restore("portal live test, restored")
    life.delete("portal live test, renamed", re.compile("Deleted|Refused"))


@pytest.mark.timeout(600)
def test_what_others_do_is_shown(page):
    """A volume's page reads its snapshots when it is opened, if they were read a minute ago."""
    console = Console()
    choose(page, "main", "available")
    volume_id = page.locator("#id_volume_id").input_value()
    snapshot_id = console.snapshot_of(volume_id, "made outside of the portal")
    link = page.locator(f"main a[href='/snapshots/main/{snapshot_id}/']")
    open_until(page, f"/volumes/main/{volume_id}/", link)
    console.delete(snapshot_id)
    gone = page.locator("main").get_by_text(re.compile("[Dd]eleted in the cloud"))
    open_until(page, f"/snapshots/main/{snapshot_id}/", gone)


@pytest.mark.timeout(600)
def test_every_snapshot_of_the_project_is_listed(page):
    held = Console().snapshot_ids()
    choose(page, "main", "available")  # the volumes were read: the snapshots are next
    for _ in range(60):
        page.goto("/snapshots/?cloud=main")
        if listed_ids(page) == held:
            return
        page.wait_for_timeout(1_000)
    raise AssertionError(f"{len(held)} in the cloud; the list: {page.locator('main').inner_text()}")


def listed_ids(page):
    """Of all pages of the list, by its own links."""
    ids = set()
    while True:
        links = page.locator("main tr a[href^='/snapshots/main/']")
        ids |= set(links.evaluate_all("all => all.map(link => link.pathname.split('/')[3])"))
        further = page.get_by_role("link", name="Next page")
        if not further.count():
            return ids
        further.click()


def open_until(page, address, wanted):
    """Open the page again and again, as somebody does who waits: two minutes at most."""
    for _ in range(60):
        page.goto(address)
        page.wait_for_timeout(2_000)
        if wanted.count():
            return
    raise AssertionError(page.locator("main").inner_text())


def test_force_takes_a_snapshot_of_a_volume_in_use(page):
    choose(page, "main", "in-use")
    page.get_by_label("Take it while the volume is in use").check()
    page.get_by_label("Name").fill("portal live test, in use")
    take(page)
    expect(status(page)).to_contain_text("Available", timeout=60_000)


def test_a_name_of_256_characters_is_refused_at_its_field(page):
    choose(page, "main", "available")
    page.get_by_label("Name").fill("n" * 256)
    take(page)
    expect(page.locator("main")).to_contain_text("256 bytes")
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")


@pytest.mark.skipif("small_username" not in LIVE, reason="no project with a small quota is named")
def test_a_used_up_quota_is_told_in_plain_words(page):
    for _ in range(4):
        choose(page, "small", "available")
        page.get_by_label("Name").fill("portal live test, quota")
        take(page)
        final = re.compile("Available|Refused")
        expect(status(page)).to_contain_text(final, timeout=60_000)
        if "Refused" in status(page).inner_text():
            break
    expect(status(page)).to_contain_text("Refused")
    expect(page.locator("main")).to_contain_text("quota of the cloud project is used up")
