"""Which pages ask people to confirm that it is them, how that is done, and what is not."""

import re
import time
import uuid
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import Group, User
from django.urls import URLResolver, get_resolver, reverse

from snapshots.forms.batch import BATCH_FORMS
from snapshots.mfa import factors
from snapshots.models import Action, Operation, VolumeGrant
from tests import factories as scene

PASSWORD = "a long password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CONFIRM = "/accounts/confirm/"
LIMIT = 600  # seconds, by default
# Every marked route. What a new page for administrators changes belongs
# here, or to `CHANGES_NOTHING`.
MARKED = {
    "password_change",
    "second_factor_settings",
    "passkey_options",
    "passkey_add",
    "passkey",
    "sessions",
    "sessions_of",
    "snapshots:change",
    "snapshots:grant_new",
    "snapshots:grant_by_rule",
    "snapshots:grant_of_cloud",
    "snapshots:grant_end",
    "snapshots:grant_import",
    "snapshots:people_import",
    "snapshots:person_new",
    "snapshots:person_change",
    "snapshots:person_access",
    "snapshots:person_password",
    "snapshots:group_new",
    "snapshots:group",
}
CHANGES_NOTHING = {
    "snapshots:people",
    "snapshots:people_export",
    "snapshots:person",
    "snapshots:groups",
    "snapshots:grants",
    "snapshots:grant_export",
    "snapshots:grant_search",
}


def _age(browser, seconds):
    """Let the last proof of identity be so old."""
    session = browser.session
    session["identity_proved_at"] = time.time() - seconds
    session.save()


@pytest.fixture
def stale():
    """Gives a person a password, and signs them in an hour ago."""

    def make_stale(browser):
        browser.user.set_password(PASSWORD)
        browser.user.save()
        browser.force_login(browser.user)
        _age(browser, 3600)
        return browser

    return make_stale


def _actions(code):
    return [row.details for row in Action.objects.filter(code=code).order_by("seq")]


# --- which routes ----------------------------------------------------------------------------


def _routes(resolver, space=""):
    for route in resolver.url_patterns:
        if isinstance(route, URLResolver):
            inner = f"{space}{route.namespace}:" if route.namespace else space
            yield from _routes(route, inner)
        else:
            yield f"{space}{route.name}", route.callback


def test_these_routes_are_marked():
    marked = {name for name, view in _routes(get_resolver()) if getattr(view, "step_up", None)}
    assert marked == MARKED


def test_documentation_names_the_same_routes():
    text = (Path(__file__).resolve().parents[2] / "docs/sign-in.md").read_text(encoding="utf-8")
    table = text.partition("## Confirm that it is you")[2].partition("| trail |")[0]
    rows = "\n".join(re.findall(r"^\| `.*", table, re.MULTILINE))
    assert set(re.findall(r"`([a-z_:]+)`", rows)) - {"rollback"} == MARKED


def test_every_page_for_administrators_is_marked():
    rights = {name: getattr(view, "access_rule", "") for name, view in _routes(get_resolver())}
    ours = {name for name, rule in rights.items() if "ADMINISTER" in repr(rule)}
    assert ours <= MARKED | CHANGES_NOTHING


def test_no_batch_takes_snapshots_with_force():
    """One that did so would need a mark."""
    fields = {kind: form.base_fields for kind, form in BATCH_FORMS.items()}
    assert [kind for kind, names in fields.items() if "force" in names] == []


@pytest.fixture
def pages(root, helen, volume, operation):
    """Every marked page with its person."""
    snapshot = scene.snapshot(operation)
    grant = VolumeGrant.objects.create(cloud="sandbox", user=helen.user, volume_id="v")
    of_snapshot = [snapshot.cloud, snapshot.snapshot_id]
    person, team = [helen.user.pk], Group.objects.create(name="storage")
    return [
        (root, reverse("password_change")),
        (root, reverse("second_factor_settings")),
        (helen, reverse("snapshots:change", args=[*of_snapshot, "rollback"])),
        (root, reverse("snapshots:person_new")),
        (root, reverse("snapshots:person_change", args=person)),
        (root, reverse("snapshots:person_access", args=person)),
        (root, reverse("snapshots:person_password", args=person)),
        (root, reverse("snapshots:group_new")),
        (root, reverse("snapshots:group", args=[team.pk])),
        (root, reverse("sessions")),
        (root, reverse("sessions_of", args=person)),
        (root, reverse("snapshots:grant_new")),
        (root, reverse("snapshots:grant_by_rule")),
        (root, reverse("snapshots:grant_of_cloud")),
        (root, reverse("snapshots:grant_end", args=[grant.pk])),
        (root, reverse("snapshots:grant_import")),
        (root, reverse("snapshots:people_import")),
    ]


def test_every_marked_page_asks_first(pages, stale):
    for browser, _page in pages:
        stale(browser)
    people = User.objects.count()
    for browser, page in pages:
        query = reverse("confirm_identity", query={"next": page})
        answer = browser.get(page)
        assert (answer.status_code, answer.url) == (302, query), page
        form = {"username": "x", "do": "shut-out", "name": "y"}
        answer = browser.post(page, form, headers={"Referer": f"http://testserver{page}"})
        assert (answer.status_code, answer.url) == (302, query), page
    assert User.objects.filter(is_active=True).count() == people
    assert VolumeGrant.objects.count() == 2
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("name", ["passkey_options", "passkey_add", "passkey"])
def test_marked_address_without_a_page_asks_first(stale, root, name):
    address = reverse(name, args=[1] if name == "passkey" else [])
    page = "/accounts/second-factor/settings/"
    answer = stale(root).post(address, {}, headers={"Referer": f"http://testserver{page}"})
    assert answer.url == reverse("confirm_identity", query={"next": page})


def test_every_marked_page_opens_after_a_sign_in(pages):
    for browser, page in pages:
        answer = browser.get(page)
        assert not answer.headers.get("Location", "").startswith(CONFIRM), page


def test_other_changes_ask_nothing(stale, alice, operation):
    snapshot = scene.snapshot(operation)
    address = reverse("snapshots:change", args=[snapshot.cloud, snapshot.snapshot_id, "rename"])
    stale(alice)
    assert alice.get(address, follow=True).status_code == 200
    assert alice.get("/snapshots/new/").status_code == 200


def test_strangers_are_not_asked_about_pages_that_are_not_theirs(stale, alice):
    stale(alice)
    assert alice.get("/people/new/").status_code == 404


def test_fragment_leads_the_whole_page_there(stale, root):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/volumes/?q=1"}
    answer = stale(root).get("/people/new/", headers=headers)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["HX-Redirect"] == f"{CONFIRM}?next=%2Fvolumes%2F%3Fq%3D1"


# --- how long a proof counts -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "asks_at_get", "asks_at_post"),
    [
        (0, False, False),
        (LIMIT / 2 - 20, False, False),
        (LIMIT / 2 + 20, True, False),
        (LIMIT - 20, True, False),
        (LIMIT + 20, True, True),
        (-5, False, False),
        (-60, True, True),  # the clock was set back
    ],
)
def test_page_asks_at_half_of_the_time(root, age, asks_at_get, asks_at_post):
    _age(root, age)
    page = "/people/new/"
    assert (root.get(page).status_code == 302) is asks_at_get
    assert (root.post(page, {}).status_code == 302) is asks_at_post


def test_minutes_can_be_set(root, settings):
    settings.EVSPORTAL_STEP_UP_MINUTES = 60
    _age(root, 3600 / 2 - 20)
    assert root.get("/people/new/").status_code == 200


def test_session_of_an_earlier_release_is_asked(root):
    session = root.session
    del session["identity_proved_at"]
    session.save()
    assert root.get("/people/new/").url.startswith(CONFIRM)


def test_sign_in_counts_as_a_proof(client, root):
    root.user.set_password(PASSWORD)
    root.user.save()
    client.post("/accounts/login/", {"username": "root", "password": PASSWORD})
    assert client.get("/people/new/").status_code == 200


# --- confirming by a password ----------------------------------------------------------------


def test_password_leads_back_to_the_page(stale, root):
    stale(root)
    asked = root.get("/people/import/?q=a", follow=True)
    assert "Confirm that it is you" in asked.text
    before = root.session.session_key
    answer = root.post(CONFIRM, {"password": PASSWORD, "next": "/people/import/?q=a"})
    assert answer.url == "/people/import/?q=a"
    assert root.get(answer.url).status_code == 200
    assert root.session.session_key != before
    assert _actions("session:confirm") == [{"by": "password"}]
    assert Action.objects.get(code="session:confirm").subject == "root"


def test_form_that_came_too_late_says_so(stale, root):
    headers = {"Referer": "http://testserver/accounts/password/"}
    answer = stale(root).post("/accounts/password/", {}, headers=headers, follow=True)
    assert "Nothing was changed: confirm that it is you first" in answer.text
    assert 'name="next" value="/accounts/password/"' in answer.text


def test_wrong_password_confirms_nothing(stale, root):
    answer = stale(root).post(CONFIRM, {"password": "wrong", "next": "/people/new/"})
    assert "This is not your password." in answer.text
    assert root.get("/people/new/").status_code == 302
    assert _actions("session:confirm:refused") == [{"why": "wrong password"}]
    assert _actions("session:confirm") == []


def test_wrong_passwords_are_braked(stale, root):
    tried = [stale(root).post(CONFIRM, {"password": "wrong"}).status_code for _ in range(7)]
    assert tried[0] == 200
    assert tried[-1] == 429
    answer = root.post(CONFIRM, {"password": PASSWORD})
    assert int(answer.headers["Retry-After"]) > 0
    assert root.get("/people/new/").status_code == 302


@pytest.mark.parametrize(
    "page",
    ["https://evil.example/", "//evil.example", "javascript:x", "", CONFIRM, f"{CONFIRM}?next=/"],
)
def test_confirmation_leads_nowhere_else(stale, root, page):
    assert stale(root).post(CONFIRM, {"password": PASSWORD, "next": page}).url == "/"


def test_confirmed_person_is_not_asked_again(root):
    assert root.get(f"{CONFIRM}?next=/people/new/").url == "/people/new/"


def test_confirmation_needs_a_sign_in(client, db):
    assert client.post(CONFIRM, {"password": PASSWORD}).url.startswith("/accounts/login/")


def test_proof_of_another_session_does_not_count(stale, root, client):
    stale(root)
    client.force_login(root.user)
    client.post(CONFIRM, {"password": PASSWORD})
    assert client.get("/people/new/").status_code == 200
    assert root.get("/people/new/").status_code == 302


# --- with a second factor --------------------------------------------------------------------


def _code(*, steps=0):
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps))


@pytest.fixture
def spare_codes(root):
    return factors.set_up(root.user, SECRET, 1)


def test_second_factor_is_asked_for_too(stale, root, spare_codes):
    stale(root)
    assert 'name="code"' in root.get("/people/new/", follow=True).text
    for form in ({}, {"code": "000000"}):
        root.post(CONFIRM, {"password": PASSWORD, **form})
        assert root.get("/people/new/").status_code == 302
    root.post(CONFIRM, {"password": PASSWORD, "code": _code()})
    assert root.get("/people/new/").status_code == 200
    assert _actions("session:confirm") == [{"by": "password and code"}]
    whys = [details["why"] for details in _actions("session:confirm:refused")]
    assert whys == ["incomplete", "wrong second factor"]


def test_spare_code_confirms_once(stale, root, spare_codes):
    form = {"password": PASSWORD, "code": spare_codes[0]}
    assert stale(root).post(CONFIRM, form).status_code == 302
    _age(root, 3600)
    assert "wrong, or was used before" in root.post(CONFIRM, form).text
    assert root.get("/people/new/").status_code == 302


def test_wrong_password_looks_at_no_code(stale, root, spare_codes):
    code = _code()
    stale(root).post(CONFIRM, {"password": "wrong", "code": code})
    assert root.post(CONFIRM, {"password": PASSWORD, "code": code}).status_code == 302


def test_wrong_codes_are_braked(stale, root, spare_codes):
    form = {"password": PASSWORD, "code": "000000"}
    answers = [stale(root).post(CONFIRM, form) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_role_without_its_factor_may_confirm(stale, root, settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["administrator"]
    page = stale(root).get("/volumes/", follow=True)
    assert page.redirect_chain[-1][0].startswith(CONFIRM)
    answer = root.post(CONFIRM, {"password": PASSWORD, "next": "/accounts/second-factor/settings/"})
    assert "Set up a second factor" in root.get(answer.url).text


def test_fragment_of_a_role_without_its_factor(root, settings):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = ["administrator"]
    answer = root.get("/requests/rows/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/accounts/second-factor/settings/"
    assert answer.content == b""


def test_rollback_is_asked_for_after_the_confirmation(stale, helen, operation):
    snapshot = scene.snapshot(operation)
    address = reverse("snapshots:change", args=[snapshot.cloud, snapshot.snapshot_id, "rollback"])
    address = f"{address}?key={uuid.uuid4()}"
    assert stale(helen).get(address).url.startswith(CONFIRM)
    answer = helen.post(CONFIRM, {"password": PASSWORD, "next": address})
    assert answer.url == address
    assert helen.get(address).status_code in {200, 302}
