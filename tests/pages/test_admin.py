"""The administration: people, roles, groups. And who may touch whom."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from snapshots.admin import site
from snapshots.models import Action
from snapshots.rights.policy import Right, may
from tests import factories as scene


@pytest.fixture
def boss(root):
    return User.objects.create_superuser("boss", password="demo")


def _change(person):
    return f"/admin/auth/user/{person.pk}/change/"


def test_an_administrator_gives_a_role(root):
    person = scene.person("nobody")
    staff = Group.objects.get_or_create(name="staff")[0]
    form = {"username": "nobody", "is_active": "on", "groups": [staff.pk]}
    assert root.post(_change(person), form).status_code == 302
    assert list(person.groups.all()) == [staff]


def test_an_administrator_adds_a_person(root):
    form = {
        "username": "deniz",
        "usable_password": "true",
        "password1": "tR0ub4dor&3x",
        "password2": "tR0ub4dor&3x",
    }
    assert root.post("/admin/auth/user/add/", form).status_code == 302
    assert User.objects.filter(username="deniz").exists()


def test_superusers_do_not_exist_for_an_administrator(root, boss):
    assert "boss" not in root.get("/admin/auth/user/").text
    answer = root.post(_change(boss), {"username": "boss", "is_active": ""})
    boss.refresh_from_db()
    assert answer.status_code == 302
    assert boss.is_active
    assert root.post(f"/admin/auth/user/{boss.pk}/password/").status_code == 404


def test_an_administrator_cannot_make_superusers(root, alice):
    form = {"username": "alice", "is_active": "on", "is_superuser": "on", "is_staff": "on"}
    root.post(_change(alice.user), form)
    alice.user.refresh_from_db()
    assert not alice.user.is_superuser
    assert not alice.user.is_staff
    assert "is_superuser" not in root.get(_change(alice.user)).text


def test_a_superuser_may(client, boss, alice):
    client.force_login(boss)
    assert "is_superuser" in client.get(_change(alice.user)).text


def _rights(person):
    person = User.objects.get(pk=person.pk)
    groups = sorted(person.groups.values_list("pk", flat=True))
    return {"username": person.username, "is_active": person.is_active, "groups": groups}


@pytest.mark.parametrize("change", ["is_active", "groups"])
def test_nobody_changes_their_own_rights(change, root, audrey):
    before = _rights(root.user)
    told = (
        before
        | {
            "is_active": {"is_active": ""},
            "groups": {
                "groups": [*before["groups"], *audrey.user.groups.values_list("pk", flat=True)]
            },
        }[change]
    )
    answer = root.post(_change(root.user), told)
    assert "You cannot change this of yourself" in answer.text
    assert _rights(root.user) == before


def test_everybody_changes_their_own_name(root):
    told = {"username": "root", "is_active": "on", "first_name": "Rana"}
    told["groups"] = [root.user.groups.get().pk]
    assert root.post(_change(root.user), told).status_code == 302
    root.user.refresh_from_db()
    assert root.user.first_name == "Rana"


@pytest.mark.parametrize(
    "change", [{"is_active": ""}, {"groups": []}, {"is_active": "", "groups": []}]
)
def test_the_last_administrator_stays(change, root, boss, rf):
    """`boss` still has the page open, and was shut out meanwhile."""
    User.objects.filter(pk=boss.pk).update(is_active=False)
    request = rf.post("/")
    request.user = boss
    form_class = site.get_model_admin(User).get_form(request, root.user)
    with transaction.atomic():
        form = form_class(_rights(root.user) | change, instance=root.user)
        assert "the last active administrator" in str(form.errors)


def test_one_of_two_administrators_may_go(client, root, boss):
    client.force_login(boss)
    assert client.post(_change(root.user), {"username": "root"}).status_code == 302
    assert not _rights(root.user)["is_active"]


def test_people_are_never_deleted(root, alice):
    assert root.get(f"/admin/auth/user/{alice.user.pk}/delete/").status_code == 403
    assert "People are never deleted" in root.get(_change(alice.user)).text


def test_role_groups_keep_their_names(root):
    staff = Group.objects.get_or_create(name="staff")[0]
    team = Group.objects.create(name="payroll team")
    root.post(f"/admin/auth/group/{staff.pk}/change/", {"name": "renamed"})
    root.post(f"/admin/auth/group/{team.pk}/change/", {"name": "payroll"})
    assert set(Group.objects.values_list("name", flat=True)) >= {"staff", "payroll"}


def test_team_gets_a_right_of_its_own(root, alice):
    team = Group.objects.create(name="storage")
    alice.user.groups.add(team)
    address = f"/admin/auth/group/{team.pk}/change/"
    page = root.get(address).text
    assert "May roll volumes back to a snapshot" in page
    assert "Can delete" not in page
    right = Permission.objects.get(codename="roll_back_volume")
    root.post(address, {"name": "storage", "permissions": [right.pk]})
    assert may(User.objects.get(username="alice"), Right.ROLL_BACK)
    root.post(address, {"name": "storage", "permissions": []})
    assert not may(User.objects.get(username="alice"), Right.ROLL_BACK)
    changes = Action.objects.filter(subject="storage", details__right="roll_back_volume")
    assert list(changes.order_by("seq").values_list("code", "actor_name")) == [
        ("role:give", "root"),
        ("role:take", "root"),
    ]


def test_foreign_permission_is_refused(root):
    team = Group.objects.create(name="storage")
    other = Permission.objects.get(codename="delete_operation")
    address = f"/admin/auth/group/{team.pk}/change/"
    assert root.post(address, {"name": "storage", "permissions": [other.pk]}).status_code == 200
    assert not team.permissions.exists()


# --- what waits of people who lose a right ------------------------------------------------------


def test_shutting_out_shows_and_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    page = root.get(_change(alice.user)).text
    assert f'<a href="/requests/{operation.pk}/">nightly</a>' in page
    staff = Group.objects.get(name="staff")
    form = {"username": "alice", "groups": [staff.pk]}
    answer = root.post(_change(alice.user), form, follow=True)
    assert "Cancelled before they were sent: 1 (nightly)." in answer.text
    operation.refresh_from_db()
    assert operation.state == "cancelled"
    assert Action.objects.filter(code="operation:withdraw", operation=operation).exists()


def test_name_change_cancels_nothing(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user))
    staff = Group.objects.get(name="staff")
    form = {"username": "alice", "is_active": "on", "groups": [staff.pk], "last_name": "Ash"}
    assert root.post(_change(alice.user), form).status_code == 302
    operation.refresh_from_db()
    assert operation.state == "queued"


def test_administrator_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user))
    page = root.get(f"/requests/{operation.pk}/").text
    assert "Cancel" in page
    root.post(f"/requests/{operation.pk}/cancel/")
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_values) == ("cancelled", {"person": "root"})


def test_administrator_does_not_ask_again(root, alice):
    operation = scene.operation(alice.user, scene.volume(), state="refused")
    assert root.post(f"/requests/{operation.pk}/again/", {}).status_code == 404
