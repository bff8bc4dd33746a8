"""The pages of people and grants: accessible, no wider than the screen, by script and without."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from snapshots.models import VolumeGrant
from tests import factories as scene
from tests.e2e.test_every_page import wrongs_of

pytestmark = pytest.mark.browser


def paths_of(alice, audrey, volume):
    """With the longest texts that they may show."""
    team = Group.objects.create(name="ş" * 150)
    rule = {"name_pattern": "web-*", "metadata_key": "k" * 255, "metadata_value": "v" * 255}
    by_rule = VolumeGrant.objects.create(
        cloud="sandbox", scope="rule", volume_id=None, group=team, **rule
    )
    alice.groups.add(team)
    return [
        "/people/",
        "/people/?q=nothing-like-this",
        *(f"/people/{person.pk}/" for person in (alice, audrey)),
        "/people/new/",
        *(f"/people/{alice.pk}/{page}/" for page in ("change", "access", "password")),
        "/groups/",
        "/groups/new/",
        f"/groups/{team.pk}/",
        "/grants/",
        "/grants/?state=ended",
        "/grants/new/?person=alice",
        "/grants/new/rule/",
        "/grants/new/cloud/",
        "/grants/import/",
        "/people/import/",
        f"/grants/{by_rule.pk}/end/",
        f"/grants/{alice.volume_grants.first().pk}/end/",
        f"/volumes/sandbox/{volume.volume_id}/",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_of_grants_are_accessible_and_fit(width, dark, open_context, sign_in, portal):
    context = open_context(width=width, dark=dark)
    sign_in(context, "root")
    alice, audrey = scene.person("alice"), scene.person("audrey")
    page, wrongs = context.new_page(), []
    made = scene.volume("ş" * 255, granted_to=alice)
    for number, path in enumerate(paths_of(alice, audrey, made)):
        page.goto(path)
        if folder := os.environ.get("PICTURES"):
            name = f"grants-{number:02}-{width}-{'dark' if dark else 'light'}.png"
            page.screenshot(path=Path(folder, name), full_page=True)
        wrongs += [f"{path}: {wrong}" for wrong in wrongs_of(page, "dark" if dark else "light")]
    assert wrongs == []


def test_volumes_are_searched_while_somebody_types(open_context, sign_in, portal):
    context = open_context()
    sign_in(context, "root")
    for name in ("db-data", "web-01"):
        scene.volume(name)
    page = context.new_page()
    page.goto("/grants/new/")
    page.check("label:has-text('db-data') input")
    page.locator("#id_q").press_sequentially("web")
    expect(page.locator("#offered li")).to_have_count(2)  # what is ticked stays
    page.fill("#id_person", "root")
    page.click("text=Add what is ticked")
    expect(page.get_by_text("1 volume is chosen")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_administrator_adds_and_shuts_out_a_person(open_context, sign_in, portal, javascript):
    context = open_context(javascript=javascript)
    sign_in(context, "root")
    page = context.new_page()
    page.goto("/people/")
    page.get_by_role("link", name="New person").click()
    page.get_by_label("Username").fill("deniz")
    page.get_by_label("Staff").check()
    page.get_by_role("button", name="Add the person").click()
    expect(page.get_by_text("was added")).to_be_visible()
    deniz = User.objects.get(username="deniz")
    scene.operation(deniz, scene.volume("db-data", granted_to=deniz))
    page.get_by_role("link", name="Shut out …").click()
    expect(page.get_by_text("1 request waits")).to_be_visible()
    page.get_by_role("button", name="Shut out now").click()
    expect(page.get_by_text("Cancelled before they were sent: 1")).to_be_visible()
    page.get_by_role("link", name="Let in again …").click()
    page.get_by_role("button", name="Let in again").click()
    expect(page.get_by_text("may sign in again")).to_be_visible()
