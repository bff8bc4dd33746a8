"""What the question of rights costs a page: two queries of its own at most."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.pages.access import world as worlds
from tests.pages.access.test_matrix import PORTAL_RULES

pytestmark = pytest.mark.django_db

# Whose first table is one of these asks for rights: pages show none of them but to administrators.
RIGHTS = {"auth_group", "auth_permission", "snapshots_volumegrant", "snapshots_grantmatch"}
MOST = 2
READ = [rule for rule in PORTAL_RULES if rule.methods == "GET"]


def _asks_for_rights(sql):
    first = re.search(r'\bFROM "(\w+)"', sql)
    return first is not None and sql.startswith("SELECT") and first[1] in RIGHTS


@pytest.mark.parametrize("rule", READ, ids=lambda rule: rule.id)
def test_rights_add_two_queries_at_most(rule, alice, bob, helen, audrey):
    world = worlds.build(rule, alice.user, bob, helen)
    address = worlds.address(rule, world.things["own"])
    for browser in (alice, helen, audrey):
        browser.get("/")  # another session key for who was put into a group
        with CaptureQueriesContext(connection) as queries:
            browser.get(address)
        asked = [query["sql"] for query in queries if _asks_for_rights(query["sql"])]
        assert len(asked) <= MOST, (browser.user, asked)
