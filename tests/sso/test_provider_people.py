"""Accounts that sign-ins by the provider make, and what people of the provider may do."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import Group, User

from snapshots.models import Action, Role, roles_of
from tests import factories as scene
from tests.sso.conftest import address_of, last_refusal


def _actions(*codes):
    rows = Action.objects.filter(code__in=codes).order_by("seq")
    return [(row.code, row.subject, row.details) for row in rows]


def _roles(name="ayse"):
    return set(roles_of(User.objects.get(username=name)))


def test_first_sign_in_makes_an_account(client, provider, sign_in):
    provider.claims = {"groups": ["evs-staff", "of others"], "given_name": "Ayşe"}
    answer = sign_in(next="/volumes/")
    assert answer.url == "/volumes/"
    person = User.objects.get()
    assert (person.username, person.email, person.first_name) == (
        "ayse",
        "ayse@example.org",
        "Ayşe",
    )
    assert not person.has_usable_password()
    assert _roles() == {Role.STAFF}
    assert client.get("/volumes/").status_code == 200


def test_trail_names_the_provider_and_every_role(provider, sign_in):
    provider.claims = {"groups": ["evs-staff"]}
    sign_in()
    assert _actions("person:add", "role:give", "session:sign-in") == [
        ("person:add", "ayse", {}),
        ("role:give", "ayse", {"role": "staff"}),
        ("session:sign-in", "ayse", {"by": "Example AG"}),
    ]
    signed_in = Action.objects.get(code="session:sign-in")
    assert (signed_in.actor_name, signed_in.actor_roles) == ("ayse", "staff")


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_sign_in_leads_nowhere_else(sign_in, page):
    assert sign_in(next=page).url == "/"


def test_visitor_chooses_nothing_that_the_provider_is_asked(client, provider):
    answer = client.post(
        "/accounts/provider/?auth_params=prompt%3Dnone&scope=admin&process=connect&action=x",
        {"auth_params": "nonce=1", "process": "connect"},
    )
    query = dict(parse_qsl(urlsplit(address_of(answer)).query))
    assert set(query["scope"].split()) == {"openid", "profile", "email"}
    assert query["code_challenge_method"] == "S256"
    assert len(query["nonce"]) > 40
    assert len(query["state"]) > 40
    assert "prompt" not in query


def test_links_do_not_start_a_sign_in(client, provider):
    assert client.get("/accounts/provider/").status_code == 405


def test_role_lost_there_is_lost_here(provider, sign_in):
    provider.claims = {"groups": ["evs-staff", "evs-help", "dba,eu"]}
    sign_in()
    own = Group.objects.create(name="of the portal alone")
    person = User.objects.get()
    person.groups.add(own, Group.objects.get_or_create(name="auditor")[0])
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    provider.claims = {"groups": ["evs-staff"]}
    sign_in()
    groups = set(person.groups.values_list("name", flat=True))
    assert groups == {"staff", "of the portal alone"}
    assert not User.objects.get().is_superuser
    lost = {details["role"] for _code, _subject, details in _actions("role:take")}
    assert lost == {"helpdesk", "auditor", "dba", "superuser"}


@pytest.mark.parametrize(
    "groups",
    [None, "evs-staff", 7, {"evs-staff": True}, [["evs-staff"]], ["evs-staff", 7], [None], True],
)
def test_groups_of_the_wrong_type_give_no_roles(provider, sign_in, groups):
    provider.claims = {"groups": ["evs-staff"]}
    sign_in()
    provider.claims = {"groups": groups}
    assert sign_in().status_code == 302
    assert _roles() == set()


def test_groups_may_come_from_userinfo(provider, sign_in):
    provider.userinfo = {"sub": "s-1", "groups": ["evs-help"]}
    sign_in()
    assert _roles() == {Role.HELPDESK}


def test_five_hundred_groups_are_fine(provider, sign_in):
    provider.claims = {"groups": [f"group-{number}-{'x' * 80}" for number in range(499)]}
    provider.claims["groups"].append("evs-staff")
    assert sign_in().status_code == 302
    assert _roles() == {Role.STAFF}


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": 7, "email": ["a@example.org"], "given_name": {}},
        {"preferred_username": "\x00", "email": "no address"},
        {"preferred_username": None, "email": None},
        {"preferred_username": "x" * 5000, "email": f"{'x' * 5000}@example.org"},
        {"preferred_username": "<script>", "given_name": "x" * 5000},
        {"preferred_username": "李雷"},
    ],
)
def test_odd_names_still_make_an_account(provider, sign_in, claims):
    provider.claims = claims
    assert sign_in().status_code == 302
    assert User.objects.get().username


def test_changed_name_changes_nothing(provider, sign_in):
    sign_in()
    scene.person("root")
    provider.claims = {"preferred_username": "root", "email": "root@example.org"}
    sign_in()
    assert User.objects.get(socialaccount__uid="s-1").username == "ayse"
    assert User.objects.count() == 2


def test_equal_name_takes_nothing_over(provider, sign_in, client):
    local = scene.person("root", password="a long password")
    local.email = "ayse@example.org"
    local.save()
    provider.claims = {"preferred_username": "ROOT", "email_verified": True}
    sign_in()
    person = User.objects.get(pk=client.session["_auth_user_id"])
    assert person != local
    assert person.username.startswith("ROOT-")
    assert roles_of(person) == frozenset()


def test_two_people_with_one_email_are_two(provider, sign_in):
    sign_in()
    provider.claims, provider.userinfo = {"sub": "s-2"}, {"sub": "s-2"}
    sign_in()
    assert User.objects.filter(email="ayse@example.org").count() == 2


def test_same_subject_of_another_issuer_is_another_person(provider, sign_in, settings):
    from snapshots.sso import metadata

    sign_in()
    provider.issuer = settings.EVSPORTAL_OIDC_ISSUER = provider.issuer.replace(
        "127.0.0.1", "localhost"
    )
    metadata.forget()
    sign_in()
    assert User.objects.count() == 2


def test_disabled_account_stays_outside(client, provider, sign_in):
    sign_in()
    client.logout()
    User.objects.update(is_active=False)
    answer = sign_in()
    assert answer.status_code == 401
    assert "disabled" in answer.text
    assert last_refusal() == "shut out"
    assert "_auth_user_id" not in client.session


def test_sign_in_of_somebody_else_ends_the_first_session(client, provider, sign_in, settings):
    client.force_login(scene.person("alice"))
    sign_in()
    assert User.objects.get(pk=client.session["_auth_user_id"]).username == "ayse"


def test_session_is_of_the_backend_of_this_mode(client, provider, sign_in, settings):
    sign_in()
    assert client.session["_auth_user_backend"] == "snapshots.accounts.SandboxBackend"
    settings.AUTHENTICATION_BACKENDS = ["snapshots.accounts.CloudBackend"]
    assert client.get("/volumes/").status_code == 302


def test_password_opens_no_account_of_the_provider(client, provider, sign_in):
    sign_in()
    client.logout()
    person = User.objects.get()
    person.set_password("a long password")
    person.save()
    client.post("/accounts/login/", {"username": "ayse", "password": "a long password"})
    assert "_auth_user_id" not in client.session
    refused = Action.objects.filter(code="session:sign-in:refused").order_by("-seq")[0]
    assert refused.details == {"why": "not by password"}


@pytest.mark.parametrize(("name", "is_let_in"), [("alice", False), ("root", True)])
def test_local_accounts_can_be_for_administrators_alone(client, db, settings, name, is_let_in):
    scene.person(name, password="a long password")
    settings.EVSPORTAL_LOCAL_ACCOUNTS = "administrators"
    client.post("/accounts/login/", {"username": name, "password": "a long password"})
    assert ("_auth_user_id" in client.session) is is_let_in


def test_provider_keeps_the_password(client, provider, sign_in):
    sign_in()
    answer = client.get("/accounts/password/", follow=True)
    assert "Your account has no password in this portal" in answer.text


def test_no_token_is_stored(client, provider, sign_in):
    from tests.audit.every_table import rows_with

    sign_in()
    parts = provider.sign({}).split(".")
    assert rows_with(parts[0] + ".", "a-1", provider.asked[0] + "?code=") == []
    assert parts[0] not in str(dict(client.session))


def test_half_of_a_character_is_no_fault_of_ours(provider, sign_in):
    provider.claims = {"given_name": "x\ud800y", "family_name": "\u202eevil"}
    sign_in()
    person = User.objects.get(first_name="xy")
    assert person.last_name == "evil"


@pytest.mark.parametrize("subject", ["a\ud800", "a\x00"])
def test_subject_that_no_database_takes_is_refused(client, provider, sign_in, subject):
    provider.claims, provider.userinfo = {"sub": subject}, {"sub": subject}
    assert sign_in().status_code == 401
    assert not User.objects.exists()


def test_provider_s_people_need_no_second_factor(client, provider, sign_in, settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["staff"]
    provider.claims = {"groups": ["evs-staff"]}
    sign_in()
    assert client.get("/requests/").status_code == 200


def test_next_page_is_of_the_portal_itself(client, provider, sign_in, settings):
    settings.ALLOWED_HOSTS = ["testserver", ".example.org"]
    sign_in()
    answer = client.get("/accounts/second-factor/?next=http://evil.example.org/x")
    assert "evil" not in answer.headers.get("Location", "")
