"""One volume with a request and its snapshot for each relation that a person of staff may have to
them, and the address and the form of every rule.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from snapshots.models import Operation, Preferences, Snapshot, Volume, VolumeGrant
from tests import factories as scene
from tests.pages.access.rules import GRANTED, OWN, PASSED, RELATIONS, RULED, TAKEN, Rule
from tests.pages.batches import confirmed, texts

# The state that a request must be in for what is asked of it.
_STATES = {"snapshots:cancel": "queued", "snapshots:again": "failed", "snapshots:end": "accepted"}
_LONG_AGO_SECONDS = 10**6


@dataclass(frozen=True, slots=True)
class Thing:
    """What belongs to one relation. Their names end in it."""

    volume: Volume
    operation: Operation
    snapshot: Snapshot
    exchange_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class World:
    things: dict[str, Thing]
    owner: object  # the browser of somebody to whom every volume is granted
    helper: object  # the browser of somebody of the helpdesk
    # For each relation, the form as somebody has it who may: nothing that is posted is kept.
    forms: dict[str, object] = field(default_factory=dict)

    def form(self, relation: str, fetch: Callable[[], object]) -> object:
        if relation not in self.forms:
            self.forms[relation] = fetch()
        return self.forms[relation]


def build(rule: Rule, alice: User, owner: object, helper: object) -> World:
    team = Group.objects.create(name="storage")
    alice.groups.add(team)
    things = {}
    for relation in RELATIONS:
        volume = scene.volume(f"volume-{relation}", granted_to=owner.user)
        requester = alice if relation in {OWN, TAKEN, PASSED} else owner.user
        things[relation] = _thing(rule, relation, volume, requester)
    _grant(alice, team, things)
    return World(things, owner, helper)


def _grant(alice: User, team: Group, things: dict[str, Thing]) -> None:
    """What holds, and what passed its end: of each scope, to the person and to the group."""
    holds = [
        {"user": alice, "volume_id": things[OWN].volume.volume_id},
        {"group": team, "volume_id": things[GRANTED].volume.volume_id},
        {"user": alice, **_by_rule(RULED)},
    ]
    passed = [
        {"user": alice, "volume_id": things[PASSED].volume.volume_id},
        {"group": team, "volume_id": things[PASSED].volume.volume_id},
        {"group": team, **_by_rule(PASSED)},
        {"user": alice, "scope": "cloud"},
    ]
    for grant in holds:
        VolumeGrant.objects.create(cloud=scene.CLOUD, **grant)
    keys = [VolumeGrant.objects.create(cloud=scene.CLOUD, **grant).pk for grant in passed]
    # Without signals, as time does it.
    ended_at = timezone.now() - timedelta(seconds=1)
    VolumeGrant.objects.filter(pk__in=keys).update(until=ended_at)


def _by_rule(relation: str) -> dict[str, object]:
    return {"scope": "rule", "volume_id": None, "name_pattern": f"volume-{relation}*"}


def _thing(rule: Rule, relation: str, volume: Volume, requester: User) -> Thing:
    facts = {"name": f"request-{relation}", "state": _STATES.get(rule.route, "succeeded")}
    if rule.route.startswith("snapshots:batch"):
        facts |= {"batch": uuid.uuid4(), "kind": "delete"}
    operation = scene.operation(requester, volume, ago_seconds=_LONG_AGO_SECONDS, **facts)
    snapshot = scene.snapshot(operation, name=f"snapshot-{relation}", status="available")
    return Thing(volume, operation, snapshot, scene.exchange(operation).id)


# Pages that show nothing of a single row.
UNMARKED = {
    "snapshots:home",
    "snapshots:home_rows",
    "snapshots:portal_status",
    "snapshots:portal_status_rows",
    "snapshots:snapshot_totals",
    "snapshots:first_reading",
    "snapshots:audit_export",
    "snapshots:questions",
    "snapshots:question",
    "snapshots:question_export",
}

# What is sent there is looked at, and nothing is kept of it.
CHANGES_NOTHING = {"snapshots:check"}


def shows(text: str, relation: str) -> bool:
    """Whether something of this relation stands in a page."""
    return any(f"{what}-{relation}" in text for what in ("volume", "request", "snapshot"))


# --- addresses -------------------------------------------------------------------------------

_OF_REQUEST = {"detail", "status", "cancel", "end", "again"}
_OF_VOLUME = {"volume", "volume_state"}


def address(rule: Rule, thing: Thing) -> str:
    space, _, name = rule.route.rpartition(":")
    if space != "snapshots":
        return reverse(rule.route)
    row = [thing.snapshot.cloud, thing.snapshot.snapshot_id]
    if name in _OF_REQUEST:
        arguments = [thing.operation.pk]
    elif name in _OF_VOLUME:
        arguments = [thing.volume.cloud, thing.volume.volume_id]
    else:
        arguments = {
            "snapshot": row,
            "snapshot_state": row,
            "change": [*row, rule.kind],
            "batch": [thing.operation.batch],
            "batch_rows": [thing.operation.batch],
            "record": [thing.exchange_id],
            "question": ["refused"],
            "question_export": ["refused"],
        }.get(name, [])
    return reverse(rule.route, args=arguments, query=_query(rule, thing))


def _query(rule: Rule, thing: Thing) -> dict[str, str]:
    if rule.route == "snapshots:change":
        return {"key": str(uuid.uuid4())}
    if rule.route == "snapshots:volume_offers":
        return {"find": thing.volume.volume_id}
    if rule.route == "snapshots:new":
        return {"key": str(uuid.uuid4()), "volume": thing.volume.volume_id}
    if rule.route == "snapshots:volume_facts":
        return {"volume_id": thing.volume.volume_id}
    return {}


# --- what is sent ----------------------------------------------------------------------------


def typed(
    world: World, rule: Rule, relation: str, browser: object
) -> tuple[str, dict[str, object]]:
    """An address, and what is posted there: as the form has it of somebody who may."""
    thing, where = world.things[relation], address(rule, world.things[relation])
    is_helpdesk = getattr(browser, "user", None) == world.helper.user
    about = {"on_behalf_of": "carol", "ticket": "CHG-1234", "reason": ""} if is_helpdesk else {}
    capable = world.helper if rule.kind in {"rollback", "restore"} else world.owner
    if rule.route == "snapshots:new":
        return where, scene.fill_form(thing.volume, **about)
    if rule.route == "snapshots:confirm_batch":
        chosen = {"kind": rule.kind, "snapshot": texts([thing.snapshot])}
        page = world.form(relation, lambda: capable.post(where, chosen))
        return where, confirmed(page, **about, **_values(rule.kind, thing))
    if rule.route == "snapshots:change":
        page = world.form(relation, lambda: capable.get(where))
        seen = page.context["form"].seen_text
        key = where.partition("key=")[2]
        return where, {"key": key, "seen": seen, **about, **_values(rule.kind, thing)}
    if rule.route in {"snapshots:preferences", "snapshots:browser_zone"}:
        return where, {"zone": "Asia/Tokyo", "density": "roomy"}
    return where, {"key": str(uuid.uuid4()), "why": "The cloud lost it."}


def _values(kind: str, thing: Thing) -> dict[str, str]:
    return {
        "rename": {"name": "renamed", "description": ""},
        "metadata": scene.rows(("team", "payroll")),
        "delete": {"typed_name": thing.snapshot.name, "typed_count": "1"},
        "rollback": {"typed_name": thing.volume.name},
        "restore": {"size_gb": "40", "name": "restored"},
    }[kind]


def fingerprint() -> set[object]:
    """What a request could have changed of the operations, the people's rights and their
    preferences.
    """
    return {
        *Operation.objects.values_list("pk", "state"),
        *User.objects.values_list("pk", "username", "password", "is_active", "is_superuser"),
        *User.groups.through.objects.values_list("user", "group"),
        *VolumeGrant.objects.values_list(
            "pk", "scope", "cloud", "volume_id", "user", "group", "until"
        ),
        *Group.objects.values_list("pk", "name"),
        *Preferences.objects.values_list("user", "zone", "density", "shortcuts", "language"),
    }
