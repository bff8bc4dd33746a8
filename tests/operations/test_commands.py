"""The commands people type."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from snapshots.models import Role, VolumeGrant, roles_of


def run(*args):
    out, err = StringIO(), StringIO()
    call_command(*args, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


@pytest.mark.django_db
def test_demo_people_have_their_roles_and_volumes():
    run("seed_demo")
    roles = {user.username: roles_of(user) for user in User.objects.all()}
    assert roles == {
        "alice": {Role.STAFF},
        "bob": {Role.STAFF},
        "helen": {Role.HELPDESK},
        "audrey": {Role.AUDITOR},
        "root": {Role.ADMINISTRATOR},
    }
    assert User.objects.get(username="alice").check_password("demo")
    assert VolumeGrant.objects.filter(user__username="bob").exists()


@pytest.mark.django_db
def test_seeding_again_changes_nothing_that_people_changed():
    run("seed_demo")
    User.objects.filter(username="alice").update(password="changed")
    VolumeGrant.objects.all().delete()
    run("seed_demo")
    assert User.objects.get(username="alice").password == "changed"
    assert not VolumeGrant.objects.exists()


@pytest.mark.django_db
def test_demo_people_exist_in_the_sandbox_only(settings):
    settings.EVSPORTAL_MODE = "cloud"
    with pytest.raises(CommandError, match="sandbox mode only"):
        run("seed_demo")
    assert not User.objects.exists()
