"""A test that commits leaves nothing behind, also in tables that migrations filled."""

import pytest
from django.contrib.auth.models import Group, Permission

from tests import factories as scene

pytestmark = pytest.mark.django_db(transaction=True)


def _rows():
    groups = Group.objects.order_by("pk").values_list("pk", "name")
    return list(groups), list(Permission.objects.order_by("pk").values_list("pk", "codename"))


@pytest.mark.parametrize(
    "change",
    [
        lambda: Group.objects.filter(name="staff").update(name="crew"),
        lambda: Group.objects.create(name="crew"),
        lambda: Group.objects.all().delete(),
        lambda: Permission.objects.all().delete(),
        lambda: scene.person("alice"),
    ],
    ids=["renamed", "added", "all removed", "permissions removed", "somebody in a group"],
)
def test_changes_are_taken_back(pristine, change):
    before = _rows()
    change()
    pristine.restore()
    assert _rows() == before
    assert not Group.user_set.through.objects.exists()
