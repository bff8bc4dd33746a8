"""The page that asks for a change of a snapshot, whatever the kind."""

import uuid

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def address(operation, kind, **query):
    return reverse("snapshots:change", args=[operation.pk, kind], query=query)


@pytest.mark.parametrize("kind", ["create", "nonsense"])
def test_kind_that_changes_nothing_has_no_page(alice, volume, kind):
    made = factories.operation(alice.user, volume, state="succeeded")
    factories.snapshot(made)
    assert alice.get(address(made, kind, key=uuid.uuid4())).status_code == 404
