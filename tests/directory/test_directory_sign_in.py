"""Signing in by a real directory: who that is here, with which roles, and who is refused."""

import socket
import time

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User

from snapshots import directory as portals_directory
from snapshots.models import Action
from tests import factories as scene
from tests.directory.conftest import RIGHT
from tests.directory.slapd_server import BASE


def _is_in(browser):
    return browser.get("/accounts/sessions/").status_code == 200


def _groups(name):
    return sorted(User.objects.get(username=name).groups.values_list("name", flat=True))


def _refusals():
    rows = Action.objects.filter(code="session:sign-in:refused").order_by("seq")
    return [row.details["why"] for row in rows]


def test_first_sign_in_makes_the_account(sign_in):
    browser, _answer = sign_in("ayse")
    assert _is_in(browser)
    ayse = User.objects.get(username="ayse")
    assert (ayse.first_name, ayse.last_name, ayse.email) == ("Ayşe", "Kaya", "ayse@example.org")
    assert _groups("ayse") == ["staff"]
    assert not ayse.has_usable_password()
    assert Action.objects.get(code="session:sign-in").subject == "ayse"


def test_next_sign_in_finds_the_account(sign_in):
    sign_in("ayse")
    browser, _answer = sign_in("ayse")
    assert _is_in(browser)
    assert SocialAccount.objects.count() == User.objects.count() == 1


def test_role_that_is_lost_there_is_lost_here(sign_in, directory):
    import ldap

    member = f"uid=ayse,ou=people,{BASE}".encode()
    sign_in("ayse")
    staff, desk = (f"cn={name},ou=groups,{BASE}" for name in ("evs-staff", "evs-help"))
    directory.change(staff, [(ldap.MOD_DELETE, "member", [member])])
    directory.change(desk, [(ldap.MOD_ADD, "member", [member])])
    try:
        sign_in("ayse")
        assert _groups("ayse") == ["helpdesk"]
    finally:
        directory.change(staff, [(ldap.MOD_ADD, "member", [member])])
        directory.change(desk, [(ldap.MOD_DELETE, "member", [member])])


def test_group_is_named_by_its_whole_name_too(sign_in, settings):
    dn = f"cn=evs-staff,ou=groups,{BASE}".replace(",", "%2C").replace("=", "%3D")
    settings.EVSPORTAL_LDAP_ROLES = [f"{dn}=dba"]
    sign_in("ayse")
    assert _groups("ayse") == ["dba"]


def test_person_without_a_group_has_no_role(sign_in):
    browser, _answer = sign_in("mert")
    assert "You have no role in this portal yet" in browser.get("/").text
    assert User.objects.get(username="mert").email == ""


# --- who is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ayse", "wrong"),
        ("nobody-there", RIGHT),
        ("ayse", "\0"),
        ("*", RIGHT),
        ("ay*", RIGHT),
        ("ayse)(uid=*", RIGHT),
        ("x)(|(uid=ayse", RIGHT),
        (f"uid=ayse,ou=people,{BASE}", RIGHT),
        ("ayse\\2a", RIGHT),
    ],
)
def test_nobody_else_is_let_in(sign_in, name, password):
    browser, answer = sign_in(name, password)
    assert answer.status_code in {200, 400}
    assert not _is_in(browser)
    assert not User.objects.exists()


def test_star_in_a_name_is_a_letter(sign_in):
    browser, _answer = sign_in("a*b")
    assert _is_in(browser)
    assert SocialAccount.objects.get().extra_data == {"name": "a*b"}


def test_empty_password_is_never_asked_of_the_directory(directory, rf):
    """To bind with one succeeds, as nobody."""
    assert portals_directory.sign_in(rf.post("/"), "ayse", "") is None


def test_local_account_is_not_taken_over(sign_in, settings):
    settings.EVSPORTAL_LDAP_ROLES = ["it-admins=administrator"]
    local = scene.person("root", password="another-good-passphrase-7")
    browser, _answer = sign_in("root")
    assert not _is_in(browser)
    assert not SocialAccount.objects.filter(user=local).exists()


@pytest.mark.parametrize("typed", ["ROOT", "Root", "ｒｏｏｔ"])
def test_local_account_is_not_asked_for_in_another_spelling(sign_in, settings, typed):
    settings.EVSPORTAL_LDAP_URL = "ldap://127.0.0.1:1"
    scene.person("root", password="another-good-passphrase-7")
    browser, answer = sign_in(typed)
    assert not _is_in(browser)
    assert not _says_away(answer)  # so nothing was asked


def test_name_that_is_taken_gets_an_ending(sign_in):
    """The local account has no password: it is of somebody else."""
    local = User.objects.create_user("ayse")
    browser, _answer = sign_in("ayse")
    assert _is_in(browser)
    account = SocialAccount.objects.get()
    assert account.user != local
    assert account.user.username.startswith("ayse-")


def test_person_who_is_shut_out_stays_out(sign_in):
    sign_in("ayse")
    User.objects.update(is_active=False)
    browser, answer = sign_in("ayse")
    assert not _is_in(browser)
    assert "shut out" in _refusals()
    wrong = sign_in("ayse", "wrong")[1]
    assert answer.context["form"].errors == wrong.context["form"].errors


def test_local_password_opens_no_account_of_the_directory(sign_in):
    sign_in("ayse")
    ayse = User.objects.get()
    ayse.set_password("another-good-passphrase-7")
    ayse.save()
    browser, _answer = sign_in("ayse", "another-good-passphrase-7")
    assert not _is_in(browser)
    assert _is_in(sign_in("ayse")[0])


def test_wrong_passwords_are_braked(sign_in):
    answers = [sign_in("ayse", "wrong")[1].status_code for _ in range(8)]
    assert answers[-1] == 429


def test_person_confirms_by_the_directory(sign_in):
    Group.objects.get_or_create(name="administrator")
    browser, _answer = sign_in("ayse")
    session = browser.session
    session["identity_proved_at"] = time.time() - 7200
    session.save()
    assert browser.get("/accounts/sessions/").status_code == 302
    wrong = browser.post("/accounts/confirm/", {"password": "wrong", "next": "/"})
    assert "This is not your password." in wrong.text
    browser.post("/accounts/confirm/", {"password": RIGHT, "next": "/"})
    assert _is_in(browser)


# --- a directory in trouble ----------------------------------------------------------------------


def _says_away(answer):
    return "The directory that knows your password does not answer." in answer.text


def test_directory_that_is_away_is_one_sentence(sign_in, settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.EVSPORTAL_LDAP_URL = f"ldap://127.0.0.1:{unused.getsockname()[1]}"
        browser, answer = sign_in("ayse")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert _says_away(answer)
    assert not _is_in(browser)
    assert _refusals() == ["directory away"]


def test_silent_directory_is_waited_for_so_long_alone(sign_in, settings):
    settings.EVSPORTAL_LDAP_SECONDS = 0.5
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EVSPORTAL_LDAP_URL = f"ldap://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        _browser, answer = sign_in("ayse")
        assert time.monotonic() - began < 10
    assert _says_away(answer)


def test_local_people_sign_in_while_the_directory_is_away(sign_in, settings):
    settings.EVSPORTAL_LDAP_URL = "ldap://127.0.0.1:1"
    scene.person("root", password="another-good-passphrase-7")
    browser, _answer = sign_in("root", "another-good-passphrase-7")
    assert _is_in(browser)


def test_refused_account_of_the_portal_is_no_wrong_password(sign_in, settings):
    settings.EVSPORTAL_LDAP_BIND_PASSWORD = "wrong"
    assert _says_away(sign_in("ayse")[1])


def test_entry_without_its_id_lets_nobody_in(sign_in, settings):
    settings.EVSPORTAL_LDAP_ID = "employeeNumber"
    assert _says_away(sign_in("ayse")[1])
    assert not User.objects.exists()


def test_nothing_of_a_sign_in_is_logged(sign_in, settings, caplog):
    caplog.set_level("DEBUG")
    sign_in("typed-Secret-9", "typed-Secret-8")
    settings.EVSPORTAL_LDAP_URL = "ldap://127.0.0.1:1"
    sign_in("typed-Secret-9", "typed-Secret-8")
    assert "typed-Secret" not in caplog.text


# --- TLS ----------------------------------------------------------------------------------------


def test_certificate_of_the_directory_is_verified(sign_in, settings, directory):
    settings.EVSPORTAL_LDAP_URL = directory.tls_url
    settings.EVSPORTAL_LDAP_CA = directory.authority
    assert _is_in(sign_in("ayse")[0])
    settings.EVSPORTAL_LDAP_CA = ""
    assert _says_away(sign_in("ayse")[1])


def test_certificate_of_another_name_is_refused(sign_in, settings, directory):
    settings.EVSPORTAL_LDAP_URL = directory.other_name
    settings.EVSPORTAL_LDAP_CA = directory.authority
    assert _says_away(sign_in("ayse")[1])
