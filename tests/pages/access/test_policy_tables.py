"""The tables of `docs/security.md`, written from the rights and from the matrix's rules."""

import re
from pathlib import Path

import pytest
from django.urls import URLResolver, get_resolver

from snapshots.models import Role
from snapshots.rights.policy import PERMISSIONS, POLICY, Right
from tests.pages.access.rules import NOTHING, ROLES, RULES

PAGE = Path(__file__).parents[3] / "docs/security.md"

WORDS = {
    Right.SEE_LISTS: "see requests, snapshots and volumes, as far as they are theirs",
    Right.SEE_ALL: "see those of everybody",
    Right.REQUEST: "ask for snapshots and changes, of volumes granted to them",
    Right.REQUEST_FOR_OTHERS: "ask for any volume, for somebody else, with a ticket",
    Right.ROLL_BACK: "roll a volume back",
    Right.RESTORE: "restore a snapshot into a new volume",
    Right.CANCEL: "cancel what was not sent: staff their own",
    Right.END_HANGING: "end what the cloud leaves unfinished",
    Right.AUDIT: "read the audit trail",
    Right.ADMINISTER: "manage people and grants",
}


def rights_table():
    lines = ["| may | staff | helpdesk | auditor | administrator | by a permission of a group |"]
    lines.append("|---|---|---|---|---|---|")
    for right in Right:
        cells = ["yes" if Role(role) in POLICY[right] else NOTHING for role in ROLES]
        permission = f"`{PERMISSIONS[right]}`" if right in PERMISSIONS else ""
        lines.append(f"| {' | '.join([WORDS[right], *cells, permission])} |".replace("|  |", "| |"))
    return "\n".join(lines)


def _addresses(resolver, prefix="", space=""):
    for part in resolver.url_patterns:
        address = f"{prefix}{part.pattern}"
        if isinstance(part, URLResolver):
            yield from _addresses(part, address, f"{part.namespace}:" if part.namespace else space)
        else:
            yield f"{space}{part.name}", f"/{address}"


def routes_table():
    """A line for each address; the methods that have the same cells share it."""
    addresses = dict(_addresses(get_resolver()))
    methods = {}
    for rule in RULES:
        address = re.sub("(cloudtext|uuid|int):", "", addresses[rule.route])
        address = re.sub("<slug:kind>", rule.kind, address).replace("slug:", "")
        cells = [rule.open_to] * 4 if rule.open_to else [getattr(rule, role) for role in ROLES]
        line = f"| `{address}` | {{}} | {' | '.join(cells)} |"
        methods.setdefault(line, {}).update(dict.fromkeys(rule.methods.split()))
    head = "| address | | staff | helpdesk | auditor | administrator |"
    return "\n".join(
        [head, "|---|---|---|---|---|---|"]
        + [line.format(" ".join(names)) for line, names in methods.items()]
    )


@pytest.mark.parametrize("table", [rights_table, routes_table])
def test_page_on_security_has_the_table(table):
    assert table() in PAGE.read_text(), f"the page has another table than this:\n{table()}"
