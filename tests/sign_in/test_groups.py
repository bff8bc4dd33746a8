"""No group passes for a role."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client

from snapshots.checks import check_group_names
from snapshots.models import Action, ActionCode
from tests import factories as scene

pytestmark = pytest.mark.django_db
LIKE_ROLES = [
    "Staff",
    "ADMINISTRATOR",
    "аdministrator",
    "admin\u200bistrator",
    "help desk",
    "ａｕｄｉｔｏｒ",
]


@pytest.mark.parametrize("name", LIKE_ROLES)
def test_group_that_looks_like_a_role_is_refused(name):
    with pytest.raises(ValidationError):
        Group(name=name).full_clean()


@pytest.mark.parametrize("name", ["Database team", "İstanbul ekibi", "staff of Ankara"])
def test_other_groups_are_taken(name):
    Group(name=name).full_clean()


def test_administrator_reads_why():
    browser = Client()
    browser.force_login(scene.person("root"))
    page = browser.post("/groups/new/", {"name": "Help-Desk"})
    assert "reads like “helpdesk”, which is a role" in page.text
    assert not Action.objects.filter(code=ActionCode.GROUP_ADDED, subject="Help-Desk").exists()


def test_check_names_groups_that_are_there_already():
    assert check_group_names() == []
    Group.objects.create(name="Auditor")
    assert [message.id for message in check_group_names()] == ["evsportal.W022"]
