"""The rule in front of each route lets in whom the table names, beside what its rows hold back.

A row may be hidden by its selector too, so that the matrix sees no difference when the rule in
front is taken out: here it is missed.
"""

import pytest
from django.urls import URLResolver, get_resolver

from snapshots.rights.policy import POLICY
from snapshots.views.access import MONITORING as BY_TOKEN
from snapshots.views.access import PUBLIC, SIGNED_IN
from tests.pages.access.rules import ACCOUNT, MONITORING, OPEN, ROLES, RULES

OPEN_TO = {OPEN: PUBLIC, ACCOUNT: SIGNED_IN, MONITORING: BY_TOKEN}


def _views(resolver, space=""):
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from _views(part, f"{part.namespace}:" if part.namespace else space)
        elif part.name:
            yield f"{space}{part.name}", part.callback


VIEWS = dict(_views(get_resolver()))


@pytest.mark.parametrize("route", sorted({rule.route for rule in RULES}))
def test_rule_in_front_names_the_same_roles(route):
    rules = [rule for rule in RULES if rule.route == route]
    in_front = VIEWS[route].access_rule
    if rules[0].open_to:
        assert in_front == OPEN_TO[rules[0].open_to]
    else:
        named = {role for role in ROLES for rule in rules if rule.reach(role)}
        assert named == POLICY[in_front]
