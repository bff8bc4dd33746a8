"""Making and changing people: their rights, the way in, the one-time password; and who may."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from snapshots.models import Action, OneTimePassword, OpenSession
from snapshots.operations.people import LastAdministratorError, PersonChange, store_people
from tests import factories as scene

GIVEN = "quiet-harbour-lantern-42"


@pytest.fixture
def boss(root):
    """A superuser, with a browser."""
    browser = Client()
    browser.user = User.objects.create_superuser("boss", password="demo")
    browser.force_login(browser.user)
    return browser


def _address(person, page="change"):
    return f"/people/{person.pk}/{page}/"


def _typed(browser, person, **fields):
    """The change form as the page shows it, with these fields typed over."""
    form = browser.get(_address(person)).context["form"]
    shown = {name: form[name].value() for name in form.fields if not form.fields[name].disabled}
    shown = {name: value for name, value in shown.items() if value not in (None, False)}
    return {**shown, "seen": form.digest} | fields


def _change(browser, person, **fields):
    return browser.post(_address(person), _typed(browser, person, **fields))


def _rights(person):
    person = User.objects.get(pk=person.pk)
    return {"is_active": person.is_active, "is_superuser": person.is_superuser} | {
        "groups": sorted(person.groups.values_list("name", flat=True))
    }


def _codes(subject):
    """What administrators did to somebody."""
    rows = Action.objects.filter(subject=subject, actor_name__in=("root", "boss")).order_by("seq")
    return [(row.code, row.actor_name) for row in rows if not row.code.startswith("session:")]


# --- a new person -------------------------------------------------------------------------------


def test_administrator_adds_a_person_with_all_that_belongs_to_them(root):
    team = Group.objects.create(name="storage")
    fields = {"username": "deniz", "email": "deniz@example.org", "one_time_password": GIVEN}
    answer = root.post("/people/new/", fields | {"roles": ["staff"], "teams": [team.pk]})
    deniz = User.objects.get(username="deniz")
    assert answer.url == f"/people/{deniz.pk}/"
    assert deniz.check_password(GIVEN)
    assert OneTimePassword.objects.get(person=deniz).given_by_name == "root"
    assert _rights(deniz)["groups"] == ["staff", "storage"]
    codes = ["person:add", "password:set", "role:give", "role:give"]
    assert _codes("deniz") == [(code, "root") for code in codes]


def test_proposed_password_is_good_and_another_each_time(root):
    fields = [root.get("/people/new/").context["form"]["one_time_password"] for _ in range(2)]
    first, second = (field.value() for field in fields)
    assert first != second
    root.post("/people/new/", {"username": "deniz", "one_time_password": first})
    assert User.objects.get(username="deniz").check_password(first)


def test_person_without_a_password_cannot_sign_in_by_one(root):
    root.post("/people/new/", {"username": "deniz", "one_time_password": ""})
    deniz = User.objects.get(username="deniz")
    assert not deniz.has_usable_password()
    assert _codes("deniz") == [("person:add", "root")]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"username": "alice"}, "already exists"),
        ({"username": "ALICE"}, "looks like “alice”, which is the name of another account"),
        ({"username": "аlice"}, "mixes letters of two alphabets"),
        ({"username": "the portal"}, "Enter a valid username"),
        ({"one_time_password": "password"}, "This password is too short"),
        ({"first_name": "Quiet-Harbour-Lantern"}, "too similar to the first name"),
        ({"email": "no address"}, "Enter a valid email address"),
        ({"roles": ["king"]}, "Select a valid choice"),
        ({"teams": ["99999"]}, "Select a valid choice"),
    ],
)
def test_new_person_is_refused(root, alice, fields, sentence):
    good = {"username": "deniz", "first_name": "Deniz", "last_name": "Kaya"}
    answer = root.post("/people/new/", good | {"one_time_password": GIVEN} | fields)
    assert sentence in answer.text
    assert User.objects.count() == 2


def test_role_is_no_group_and_group_no_role(root):
    """Each has its own field."""
    staff = Group.objects.get(name="staff")
    for fields in ({"teams": [staff.pk]}, {"roles": ["storage"]}):
        assert root.post("/people/new/", {"username": "deniz", **fields}).status_code == 200


# --- changing somebody --------------------------------------------------------------------------


def test_administrator_changes_facts_roles_and_groups(root, alice):
    team = Group.objects.create(name="storage")
    fields = {"last_name": "Şahin", "roles": ["helpdesk"], "teams": [team.pk]}
    assert _change(root, alice.user, **fields).status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.last_name == "Şahin"
    assert _rights(alice.user)["groups"] == ["helpdesk", "storage"]
    codes = ["person:change", "role:take", "role:give", "role:give"]
    assert sorted(_codes("alice")) == sorted((code, "root") for code in codes)


def test_form_that_changes_nothing_records_nothing(root, alice):
    assert _change(root, alice.user).status_code == 302
    assert _codes("alice") == []


def test_change_of_somebody_else_meanwhile_is_not_undone(root, boss, alice):
    stale = _typed(root, alice.user, first_name="Ada")
    _change(boss, alice.user, roles=["auditor"])
    answer = root.post(_address(alice.user), stale)
    assert "Somebody changed this person" in answer.text
    assert 'value="Ada"' in answer.text
    assert _rights(alice.user)["groups"] == ["auditor"]
    again = stale | {"seen": answer.context["form"].digest, "roles": ["auditor"]}
    assert root.post(_address(alice.user), again).status_code == 302


def test_lost_role_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    assert "1 request waits" in root.get(_address(alice.user)).text
    _change(root, alice.user, roles=["auditor"])
    operation.refresh_from_db()
    assert (operation.state, operation.outcome) == ("cancelled", "role_lost")


def test_other_name_cancels_nothing(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user))
    _change(root, alice.user, last_name="Ash")
    operation.refresh_from_db()
    assert operation.state == "queued"


# --- superusers, oneself, the last one ----------------------------------------------------------


@pytest.mark.parametrize("page", ["change", "access", "password"])
def test_superusers_do_not_exist_for_an_administrator(root, boss, page):
    fields = {"username": "boss", "do": "shut-out", "one_time_password": GIVEN}
    assert root.get(_address(boss.user, page)).status_code == 404
    assert root.post(_address(boss.user, page), fields).status_code == 404
    assert _rights(boss.user)["is_active"]
    assert boss.user.check_password("demo")


def test_administrator_cannot_make_superusers(root, alice):
    fields = _typed(root, alice.user) | {"is_superuser": "on", "is_staff": "on"}
    root.post(_address(alice.user), fields)
    root.post("/people/new/", {"username": "deniz", "is_superuser": "on", "is_staff": "on"})
    assert not User.objects.filter(username__in=("alice", "deniz"), is_superuser=True).exists()
    assert not User.objects.filter(is_staff=True, username__in=("alice", "deniz")).exists()
    assert "is_superuser" not in root.get(_address(alice.user)).text


def test_superuser_may_make_another(boss, alice):
    _change(boss, alice.user, is_superuser="on")
    assert _rights(alice.user)["is_superuser"]


@pytest.mark.parametrize("field", [{"roles": ["auditor"]}, {"teams": [1]}, {"is_superuser": "on"}])
def test_nobody_changes_their_own_rights(root, field):
    before = _rights(root.user)
    assert "Nobody changes their own roles" in root.get(_address(root.user)).text
    answer = _change(root, root.user, **field)
    assert "You cannot change your own rights." in answer.text
    assert _rights(root.user) == before
    assert ("person:change:refused", "root") in _codes("root")


def test_nobody_shuts_themselves_out(root):
    page = root.get(_address(root.user, "access")).text
    assert "Nobody shuts themselves out" in page
    assert "<button" not in page.partition("<main")[2].partition("</main>")[0]
    answer = root.post(_address(root.user, "access"), {"do": "shut-out"})
    assert "You cannot change your own rights." in answer.text
    assert _rights(root.user)["is_active"]
    assert ("person:change:refused", "root") in _codes("root")


def test_everybody_changes_their_own_name(root):
    before = _rights(root.user)
    assert _change(root, root.user, first_name="Rana").status_code == 302
    root.user.refresh_from_db()
    assert root.user.first_name == "Rana"
    assert _rights(root.user) == before


def test_own_password_is_changed_by_the_old_one(root):
    answer = root.post(_address(root.user, "password"), {"one_time_password": GIVEN})
    assert answer.url == "/accounts/password/"
    assert not User.objects.get(pk=root.user.pk).check_password(GIVEN)


@pytest.mark.parametrize("facts", [{"is_active": False}, {}], ids=["shut out", "without roles"])
def test_the_last_administrator_stays(root, facts):
    """Another one is shut out at this moment, and still sends the form."""
    change = PersonChange(root.user.pk, facts, [])
    with pytest.raises(LastAdministratorError):
        store_people([change], User.objects.all())
    assert _rights(root.user)["is_active"]
    assert _rights(root.user)["groups"] == ["administrator"]


def test_refusal_to_remove_the_last_administrator_is_read(root, boss, monkeypatch):
    """`boss` loses everything between the check of their right and what they send."""

    def shut_out_first(_person):
        User.objects.filter(pk=boss.user.pk).update(is_active=False)
        return User.objects.all()

    monkeypatch.setattr("snapshots.views.person_changes.people_visible_to", shut_out_first)
    answer = boss.post(_address(root.user, "access"), {"do": "shut-out"})
    assert "Nobody would be left who administers the portal." in answer.text
    assert _rights(root.user)["is_active"]
    assert ("person:change:refused", "boss") in _codes("boss")


def test_one_of_two_administrators_may_go(root, boss):
    boss.post(_address(root.user, "access"), {"do": "shut-out"})
    assert not _rights(root.user)["is_active"]
    assert root.get("/people/").status_code == 302


# --- shutting out and letting in ----------------------------------------------------------------


def test_shutting_out_shows_and_ends_what_there_is(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    page = root.get(_address(alice.user, "access")).text
    assert f'<a href="/requests/{operation.pk}/">' in page
    assert "1, which ends at once" in page
    answer = root.post(_address(alice.user, "access"), {"do": "shut-out"}, follow=True)
    assert "Cancelled before they were sent: 1 (nightly)." in answer.text
    operation.refresh_from_db()
    assert (operation.state, operation.outcome) == ("cancelled", "shut_out")
    assert Action.objects.filter(code="operation:withdraw", operation=operation).exists()
    assert ("person:shut-out", "root") in _codes("alice")
    assert not OpenSession.objects.filter(person=alice.user).exists()
    assert alice.get("/requests/").status_code == 302


def test_letting_in_brings_no_session_and_no_request_back(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user))
    root.post(_address(alice.user, "access"), {"do": "shut-out"})
    page = root.get(_address(alice.user, "access")).text
    assert "What was cancelled stays cancelled" in page
    root.post(_address(alice.user, "access"), {"do": "let-in"})
    assert _rights(alice.user)["is_active"]
    assert ("person:let-in", "root") in _codes("alice")
    assert alice.get("/requests/").status_code == 302
    operation.refresh_from_db()
    assert operation.state == "cancelled"


def test_button_that_is_pressed_twice_does_it_once(root, alice):
    for _press in range(2):
        assert root.post(_address(alice.user, "access"), {"do": "shut-out"}).status_code == 302
    assert _codes("alice") == [("person:shut-out", "root")]


def test_access_page_does_nothing_without_its_button(root, alice):
    assert root.post(_address(alice.user, "access"), {"do": "x"}).status_code == 200
    assert _rights(alice.user)["is_active"]


# --- what the pages lead to ---------------------------------------------------------------------


def test_person_page_leads_to_all_that_may_be_done(root, alice):
    page = root.get(f"/people/{alice.user.pk}/").text
    for name in ("change", "access", "password"):
        assert f'href="{_address(alice.user, name)}"' in page
    own = root.get(f"/people/{root.user.pk}/").text
    assert _address(root.user, "access") not in own
    assert _address(root.user, "password") not in own


def test_administrator_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user))
    page = root.get(f"/requests/{operation.pk}/").text
    assert "Cancel" in page
    root.post(f"/requests/{operation.pk}/cancel/")
    operation.refresh_from_db()
    assert (operation.state, operation.outcome_values) == ("cancelled", {"person": "root"})


def test_administrator_does_not_ask_again(root, alice):
    operation = scene.operation(alice.user, scene.volume(), state="refused")
    assert root.post(f"/requests/{operation.pk}/again/", {}).status_code == 404


def test_djangos_administration_is_gone(root):
    assert root.get("/admin/").status_code == 404
