"""An administrator changes nothing of their own rights, by any page and in any group."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from snapshots.models import Action, VolumeGrant
from tests import factories as scene
from tests.pages.test_imports import PEOPLE_HEAD, do_import, grant_text


@pytest.fixture
def team(root):
    """A group that the administrator is in, who is of staff too."""
    group = Group.objects.create(name="storage")
    root.user.groups.add(group, Group.objects.get(name="staff"))
    root.get("/")  # who was put into a group gets another session key
    return group


@pytest.fixture
def volume(team):
    return scene.volume("db", volume_id="v-1")


def _give(page, **fields):
    def act(root, team, holder):
        root.post(f"/grants/new/{page}", {"cloud": "sandbox", "do": "give", **fields, **holder})

    return act


def _give_by_rule(root, team, holder):
    fields = {"cloud": "sandbox", "name_pattern": "db", "typed_cloud": "sandbox", **holder}
    preview = root.post("/grants/new/rule/", fields | {"do": "preview"}).context["preview"]
    previewed = preview.digest if preview else ""
    root.post("/grants/new/rule/", fields | {"do": "give", "previewed": previewed})


def _import_grant(root, team, holder):
    name = {"person": "root"} if "person" in holder else {"group": team.name}
    do_import(root, "grants", grant_text(name | {"scope": "volume", "volume_id": "v-1"}))


GRANTING = [
    _give("", chosen=["v-1"]),
    _give_by_rule,
    _give("cloud/", typed_cloud="sandbox"),
    _import_grant,
]


def _give_right_to_group(root, team):
    right = Permission.objects.get(codename="roll_back_volume")
    root.post(f"/groups/{team.pk}/", {"name": team.name, "permissions": [right.pk]})


def _take_role(root, team):
    form = root.get(f"/people/{root.user.pk}/change/").context["form"]
    fields = {"username": "root", "seen": form.digest, "roles": ["helpdesk"]}
    root.post(f"/people/{root.user.pk}/change/", fields)


def _shut_out(root, team):
    root.post(f"/people/{root.user.pk}/access/", {"do": "shut-out"})


def _import_person(root, team):
    do_import(root, "people", f"{PEOPLE_HEAD}\nroot,,,,yes,administrator;auditor\n")


CHANGES = [_give_right_to_group, _take_role, _shut_out, _import_person]


def _rights(person):
    person = User.objects.get(pk=person.pk)
    return {
        "active": person.is_active,
        "groups": sorted(person.groups.values_list("name", flat=True)),
        "permissions": sorted(person.get_all_permissions()),
        "grants": VolumeGrant.objects.count(),
    }


def _refusals():
    return Action.objects.filter(code="person:change:refused", actor_name="root").count()


@pytest.mark.parametrize("change", CHANGES)
def test_own_rights_stay_as_they_are(root, team, change):
    before = _rights(root.user)
    change(root, team)
    assert _rights(root.user) == before
    assert _refusals() >= 1


@pytest.mark.parametrize("holder", ["person", "group"])
@pytest.mark.parametrize("give", GRANTING)
def test_nobody_grants_volumes_to_themselves(root, team, volume, give, holder):
    give(root, team, {"person": "root"} if holder == "person" else {"group": team.pk})
    assert not VolumeGrant.objects.exists()
    assert _refusals() >= 1


@pytest.mark.parametrize("give", GRANTING)
def test_same_is_granted_to_somebody_else(root, team, volume, give):
    root.user.groups.remove(team)
    give(root, team, {"group": team.pk})
    assert VolumeGrant.objects.get().group in {team, None}


def test_own_grant_that_stays_is_imported_with_others(root, team, volume):
    VolumeGrant.objects.create(cloud="sandbox", scope="volume", volume_id="v-1", group=team)
    scene.person("alice")
    rows = [{"group": "storage"}, {"person": "alice"}]
    answer = do_import(
        root, "grants", grant_text(*(row | {"scope": "volume", "volume_id": "v-1"} for row in rows))
    )
    assert answer.status_code == 302
    assert VolumeGrant.objects.count() == 2


def test_own_group_is_renamed_with_its_rights(root, team):
    right = Permission.objects.get(codename="restore_volume")
    team.permissions.add(right)
    fields = {"name": "storage team", "permissions": [right.pk]}
    assert root.post(f"/groups/{team.pk}/", fields).status_code == 302


# --- keys that no row can have -------------------------------------------------------------------


@pytest.mark.parametrize("key", ["9" * 30, "-" + "9" * 30, "-1", "0", "1e3", "x" * 5000])
def test_impossible_keys_are_refused_in_words(root, key):
    group = Group.objects.create(name="payroll")
    for address, fields in (
        ("/people/new/", {"username": "deniz", "teams": [key]}),
        (f"/groups/{group.pk}/", {"name": "payroll", "permissions": [key]}),
    ):
        answer = root.post(address, fields)
        assert answer.status_code == 200, address
        assert answer.context["form"].errors, address
