"""Every rule with everybody: role, method, relation to the row, page or fragment, also shut out."""

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from snapshots.models import VolumeGrant
from tests import factories as scene
from tests.pages.access import world as worlds
from tests.pages.access.rules import ACCOUNT, MONITORING, OPEN, RELATIONS, RULES

pytestmark = pytest.mark.django_db

PEOPLE = {
    "staff": "alice",
    "helpdesk": "helen",
    "auditor": "audrey",
    "administrator": "root",
    "no role": "nobody",
}
FRAGMENT = {"HX-Request": "true", "HX-Current-URL": "http://testserver/requests/"}
ADMINISTERED = [rule for rule in RULES if rule.is_administered]
PORTAL_RULES = [
    rule
    for rule in RULES
    if rule.route.startswith("snapshots:")
    and rule.open_to not in {OPEN, MONITORING}
    and not rule.is_administered
]
PERSON_PAGES = ("change", "access", "password")
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"}


def _routes(resolver, space=""):
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from _routes(part, f"{part.namespace}:" if part.namespace else space)
        elif part.name:
            yield space + part.name


def test_table_has_every_route():
    assert set(_routes(get_resolver())) == {rule.route for rule in RULES}


@pytest.fixture
def people(request, client):
    browsers = {role: request.getfixturevalue(name) for role, name in PEOPLE.items()}
    return browsers | {"anonymous": client}


def _world(rule, people, owner, helper):
    world = worlds.build(rule, people["staff"].user, owner, helper)
    people["staff"].get("/")  # who was put into a group gets another session key
    return world


def _is_let_through(world, rule, relation, browser, headers):
    """Whether the person sees something of the row, or changes something; and the answer."""
    if rule.methods == "GET":
        answer = browser.get(worlds.address(rule, world.things[relation]), headers=headers)
        is_shown = rule.route in worlds.UNMARKED or worlds.shows(_text(answer), relation)
        return answer.status_code == 200 and is_shown, answer
    address, data = worlds.typed(world, rule, relation, browser)
    before = worlds.fingerprint()
    with transaction.atomic():
        answer = browser.post(address, data, headers=headers)
        is_changed = worlds.fingerprint() != before
        transaction.set_rollback(True)
    if rule.route in worlds.CHANGES_NOTHING:
        return answer.status_code == 200 and not is_changed, answer
    return is_changed, answer


def _text(answer):
    return answer.getvalue().decode()


def _status_refused(role, headers):
    """Of somebody to whom the route gives nothing at all."""
    if role != "anonymous":
        return 404
    return 401 if headers else 302


def _check(world, rule, role, browser, headers):
    for relation in RELATIONS:
        is_through, answer = _is_let_through(world, rule, relation, browser, headers)
        case = (role, relation, answer.status_code)
        assert is_through == (relation in rule.reach(role)), case
        if not any(other.reach(role) for other in RULES if other.route == rule.route):
            assert answer.status_code == _status_refused(role, headers), case
        assert answer.status_code < 500, case


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
@pytest.mark.parametrize("rule", PORTAL_RULES, ids=lambda rule: rule.id)
def test_rule_holds_for_everybody(people, bob, rule, headers):
    world = _world(rule, people, bob, people["helpdesk"])
    for role, browser in people.items():
        _check(world, rule, role, browser, headers)


@pytest.mark.parametrize("rule", PORTAL_RULES, ids=lambda rule: rule.id)
def test_nobody_who_is_shut_out_is_let_through(people, bob, rule):
    world = _world(rule, people, bob, _helper())
    for role in PEOPLE:
        browser = people[role]
        browser.user.is_active = False
        browser.user.save()
        _check(world, rule, "anonymous", browser, {})


def _helper():
    """Who stays, for the forms that only the helpdesk has."""
    browser = Client()
    browser.user = scene.person("helga")
    browser.force_login(browser.user)
    return browser


@pytest.mark.parametrize("route", sorted({rule.route for rule in PORTAL_RULES}))
def test_other_methods_do_nothing(people, bob, route):
    """Whoever sends them."""
    rules = [rule for rule in PORTAL_RULES if rule.route == route]
    taken = {method for rule in rules for method in rule.methods.split()}
    world = _world(rules[0], people, bob, people["helpdesk"])
    address = worlds.address(rules[0], world.things["own"])
    before = worlds.fingerprint()
    for method in sorted(METHODS - taken):
        for role, browser in people.items():
            answer = browser.generic(method, address)
            refused = {405, 404} if role != "anonymous" else {405, 302}
            assert answer.status_code in refused, (method, role)
    assert worlds.fingerprint() == before


# --- accounts, and the administration --------------------------------------------------------


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.open_to == ACCOUNT])
def test_pages_of_an_account_need_one(people, rule):
    address = reverse(rule.route, args=[1] if rule.route == "passkey" else [])
    for role, browser in people.items():
        answer = browser.get(address) if "GET" in rule.methods else browser.post(address)
        leads_to_sign_in = answer.status_code == 302 and "/accounts/login/" in answer.url
        assert leads_to_sign_in == (role == "anonymous"), role


def _administration(person):
    """Every address of the administration, for an object where it names one."""
    grant = VolumeGrant.objects.create(cloud="sandbox", scope="cloud", user=person)
    team = Group.objects.create(name="storage")
    of_person = ("snapshots:person", *(f"snapshots:person_{page}" for page in PERSON_PAGES))
    objects = dict.fromkeys((*of_person, "sessions_of"), person.pk)
    objects |= {"snapshots:grant_end": grant.pk, "snapshots:group": team.pk}
    for rule in ADMINISTERED:
        yield reverse(rule.route, args=[objects[rule.route]] if rule.route in objects else [])


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_administration_is_for_administrators(people, bob, method, headers):
    addresses = list(_administration(bob.user))
    assert len(addresses) >= 20
    for role, browser in people.items():
        if role == "administrator":
            continue
        before = worlds.fingerprint()
        for address in addresses:
            answer = browser.generic(method, address, headers=headers)
            assert answer.status_code == _status_refused(role, headers), (role, address)
        assert worlds.fingerprint() == before, role
    for address in addresses:  # last: some of them change something
        answer = people["administrator"].generic(method, address, headers=headers)
        assert answer.status_code in {200, 302, 405}, address


@pytest.mark.parametrize("method", sorted(METHODS))
def test_administrator_who_is_shut_out_is_signed_out(root, bob, method):
    addresses = list(_administration(bob.user))
    root.user.is_active = False
    root.user.save()
    before = worlds.fingerprint()
    for address in addresses:
        answer = root.generic(method, address)
        assert answer.status_code == 302, address
        assert answer.url.startswith("/accounts/login/"), address
    assert worlds.fingerprint() == before


@pytest.mark.parametrize("method", sorted(METHODS - {"GET", "POST"}))
def test_other_methods_do_nothing_in_the_administration(people, bob, method):
    addresses = list(_administration(bob.user))
    before = worlds.fingerprint()
    for role, browser in people.items():
        for address in addresses:
            answer = browser.generic(method, address)
            assert answer.status_code in {302, 404, 405}, (role, address)
    assert worlds.fingerprint() == before
