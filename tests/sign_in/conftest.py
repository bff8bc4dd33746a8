"""A portal whose people have passwords."""

import pytest
from django.test import Client

from tests import factories as scene

RIGHT = "corrEct-horse-battery-9"
LOGIN = "/accounts/login/"


class Visitor(Client):
    """A browser at an address."""

    def __init__(self, address="198.51.100.7"):
        super().__init__(REMOTE_ADDR=address)

    def sign_in(self, name, password=RIGHT):
        return self.post(LOGIN, {"username": name, "password": password})

    @property
    def is_in(self):
        return "_auth_user_id" in self.session


@pytest.fixture
def account(db):
    """Alice's account."""
    return scene.person("alice", password=RIGHT)


@pytest.fixture
def visitor(db):
    return Visitor()


@pytest.fixture
def visitor_at(db):
    return Visitor
