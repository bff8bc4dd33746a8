"""Groups: teams that share grants, with rights beside their members' roles."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from snapshots.models import Action
from snapshots.rights.policy import Right, may
from tests import factories as scene


@pytest.fixture
def team(alice):
    group = Group.objects.create(name="storage")
    alice.user.groups.add(group)
    return group


def right(name):
    return Permission.objects.get(codename=name)


def changes(name="storage"):
    rows = Action.objects.filter(subject=name, actor_name="root").order_by("seq")
    return [(row.code, row.actor_name) for row in rows]


def test_list_counts_people_and_says_what_they_may_do(root, team):
    User.objects.create_superuser("boss").groups.add(team)
    team.permissions.add(right("restore_volume"))
    page = root.get("/groups/?q=STOR")
    assert [(row.name, row.members) for row in page.context["page"].rows] == [("storage", 1)]
    assert "May make volumes from a snapshot" in page.text
    assert 'href="/people/?group=storage"' in page.text
    assert "No group matches" in root.get("/groups/?q=nothing").text


def test_administrator_adds_and_renames_a_group(root):
    assert root.post("/groups/new/", {"name": "payroll"}).status_code == 302
    group = Group.objects.get(name="payroll")
    root.post(f"/groups/{group.pk}/", {"name": "payroll team"})
    group.refresh_from_db()
    assert group.name == "payroll team"
    assert changes("payroll") == [("group:add", "root")]
    assert changes("payroll team") == [("group:rename", "root")]


def test_roles_stay_as_they_are(root):
    staff = Group.objects.get(name="staff")
    assert root.get(f"/groups/{staff.pk}/").status_code == 404
    assert root.post(f"/groups/{staff.pk}/", {"name": "renamed"}).status_code == 404
    assert Group.objects.filter(name="staff").exists()
    assert f'href="/groups/{staff.pk}/"' not in root.get("/groups/").text


def test_group_gets_a_right_of_its_own(root, team):
    address = f"/groups/{team.pk}/"
    page = root.get(address).text
    assert "May roll volumes back to a snapshot" in page
    assert "Can delete" not in page
    root.post(address, {"name": "storage", "permissions": [right("roll_back_volume").pk]})
    assert may(User.objects.get(username="alice"), Right.ROLL_BACK)
    root.post(address, {"name": "storage", "permissions": []})
    assert not may(User.objects.get(username="alice"), Right.ROLL_BACK)
    assert changes() == [("role:give", "root"), ("role:take", "root")]


def test_lost_right_cancels_what_waits_for_it(root, alice, team):
    team.permissions.add(right("roll_back_volume"))
    volume = scene.volume(granted_to=alice.user)
    waiting = scene.operation(alice.user, volume, kind="rollback")
    answer = root.post(f"/groups/{team.pk}/", {"name": "storage"}, follow=True)
    assert "Cancelled before they were sent: 1 " in answer.text
    waiting.refresh_from_db()
    assert (waiting.state, waiting.outcome) == ("cancelled", "right_lost")


def test_foreign_permission_is_refused(root, team):
    fields = {"name": "storage", "permissions": [right("delete_operation").pk]}
    assert root.post(f"/groups/{team.pk}/", fields).status_code == 200
    assert not team.permissions.exists()
