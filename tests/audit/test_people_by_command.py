"""Changes of who may do what that no page of ours makes: commands, a shell, the administration."""

import io
import sys

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.management import call_command

from snapshots.models import Action, ActionCode, VolumeGrant
from tests import factories as scene

pytestmark = pytest.mark.django_db


def last():
    return Action.objects.latest("seq")


def newest_action():
    """The newest action, as an auditor reads it."""
    row = last()
    return row.code, row.actor_name, row.subject


def test_createsuperuser_is_recorded_without_password(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "planted-Pass1")
    call_command("createsuperuser", "--no-input", username="boss", email="b@example.org")
    assert newest_action() == (ActionCode.PERSON_ADDED, "command line", "boss")
    assert last().details == {"role": "superuser"}
    assert "planted-Pass1" not in str(list(Action.objects.values()))


def test_changepassword_is_recorded_without_password(alice, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: "planted-Pass1")
    call_command("changepassword", "alice", stdout=io.StringIO())
    assert newest_action() == (ActionCode.PASSWORD_CHANGED, "command line", "alice")
    assert "planted-Pass1" not in str(list(Action.objects.values()))


def test_a_hash_set_in_a_shell(alice, monkeypatch):
    script = (
        "from django.contrib.auth.models import User\n"
        "alice = User.objects.get(username='alice')\n"
        f"alice.password = {make_password('planted-Pass1')!r}\n"
        "alice.save()\n"
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    call_command("shell", command=script, verbosity=0)
    assert newest_action() == (ActionCode.PASSWORD_CHANGED, "command line", "alice")


def test_an_administrator_gives_another_a_new_password(client, alice):
    root = scene.person("root")
    client.force_login(root)
    client.post(f"/people/{alice.pk}/password/", {"one_time_password": "tR0ub4dor&3x"})
    assert newest_action() == (ActionCode.PASSWORD_SET, "root", "alice")
    assert last().address == "127.0.0.1"


def test_refused_change_of_rights_is_recorded(client):
    root = scene.person("root")
    client.force_login(root)
    form = {"username": "root", "roles": ["administrator", "auditor"]}
    client.post(f"/people/{root.pk}/change/", form)
    assert newest_action() == (ActionCode.PERSON_REFUSED, "root", "root")
    assert last().details["why"] == "You cannot change your own rights."
    assert not Action.objects.filter(code=ActionCode.ROLE_GIVEN, details__role="auditor").exists()


def test_a_person_who_is_removed(alice):
    bob = scene.person("bob")
    bob.delete()
    assert newest_action() == (ActionCode.PERSON_REMOVED, "command line", "bob")


def test_groups_come_go_and_take_other_names(alice):
    team = Group.objects.create(name="team")
    assert newest_action() == (ActionCode.GROUP_ADDED, "command line", "team")
    alice.groups.add(team)
    team.name = "crew"
    team.save()
    assert newest_action() == (ActionCode.GROUP_RENAMED, "command line", "crew")
    assert last().details == {"name": "team → crew", "people": "alice"}
    team.save()
    assert last().code == ActionCode.GROUP_RENAMED
    team.delete()
    assert newest_action() == (ActionCode.GROUP_REMOVED, "command line", "crew")
    assert last().details == {"people": "alice"}


def test_moved_grant_is_recorded_as_taken_and_given(alice):
    bob = scene.person("bob")
    grant = VolumeGrant.objects.create(cloud="sandbox", volume_id="v-1", user=alice)
    count = Action.objects.count()
    grant.save()
    assert Action.objects.count() == count
    grant.user = bob
    grant.save()
    taken, given = Action.objects.order_by("seq")[count:]
    assert (taken.code, taken.subject) == (ActionCode.GRANT_TAKEN, "alice")
    assert (given.code, given.subject) == (ActionCode.GRANT_GIVEN, "bob")


def test_what_a_removed_group_gave_is_taken(alice):
    team = Group.objects.create(name="team")
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", group=team)
    team.delete()
    taken = Action.objects.filter(code=ActionCode.GRANT_TAKEN).get()
    assert (taken.subject, taken.details) == ("team", {"volumes": "every volume of the cloud"})
    assert Action.objects.filter(code=ActionCode.GROUP_REMOVED, subject="team").exists()


def test_strangers_try_to_read_is_shown_to_auditors(client, alice):
    client.force_login(alice)
    assert client.get("/audit/?q=x").status_code == 404
    assert newest_action() == (ActionCode.AUDIT_READ_REFUSED, "alice", "/audit/")
    audrey = scene.person("audrey")
    client.force_login(audrey)
    assert "was not allowed to see the audit trail" in client.get("/audit/").text


def test_every_refusal_has_its_own_code():
    codes = set(ActionCode.values)
    refused = {code for code in codes if code.endswith(":refused")}
    assert {code.removesuffix(":refused") for code in refused} <= codes
    assert len(set(ActionCode.labels)) == len(ActionCode)
