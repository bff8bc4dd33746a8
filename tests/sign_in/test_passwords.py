"""Which passwords may be chosen."""

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tests.sign_in.conftest import RIGHT


def refusals(password, **facts):
    try:
        validate_password(password, User(username="alice", **facts))
    except ValidationError as error:
        return {problem.code for problem in error.error_list}
    return set()


@pytest.mark.parametrize(
    "password",
    [
        RIGHT,
        "mavi kedi 7 kez uyudu",
        "李雷和韩梅梅在北京喝茶看书吃饭",
        "739150264817",
        "qxvkzjwpmbht",
    ],
)
def test_long_passwords_are_taken(password):
    assert refusals(password) == set()


@pytest.mark.parametrize("password", ["", "aB3$xY9!qW2", "corrEct-9"])
def test_short_passwords_are_refused(password):
    assert "password_too_short" in refusals(password)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd1234!",
        "iloveyou2026!",
        "letmeinletmein",
        "qwertyuiop123",
        "aaaaaaaaaaaaaa",
        "ababababababab",
    ],
)
def test_common_passwords_are_refused(password):
    assert "password_too_common" in refusals(password)


@pytest.mark.parametrize(
    "password",
    [
        "evsportal2026",
        "EVS-Snapshots-2026",
        "HuaweiCloud123!",
        "Sn4psh0ts-P0rtal",
        "admin-evs-2026",
    ],
)
def test_own_words_are_refused(password):
    assert "password_own_words" in refusals(password)


@pytest.mark.parametrize("unit", ["evsportal", "huaweicloud", "snapshots", "1", "a", "-", "ﷺ"])
@pytest.mark.parametrize("length", [200, 256, 257, 1_000_000])
def test_endless_passwords_take_no_time(unit, length):
    """Each is checked: a thread that looks at a password for hours is one thread less."""
    password = (unit * length)[: length - 1] + "x"
    assert "password_too_short" not in refusals(password)


def test_words_that_hold_each_other_are_refused():
    assert refusals("evs-snapshots-parola-26") == {"password_own_words"}
    assert refusals("snapshot-sifre-26") == {"password_own_words"}
    assert refusals("snapshots-if-you-re-26") == set()


def test_words_of_the_company_are_refused(settings):
    assert refusals("Anadolu-Holding-26") == set()
    settings.EVSPORTAL_PASSWORD_WORDS = ["Anadolu", "holding"]
    assert refusals("Anadolu-Holding-26") == {"password_own_words"}


def test_own_name_is_refused():
    assert "password_too_similar" in refusals("alexandria-1", last_name="Alexandria")


def test_person_reads_what_is_wrong(visitor, account):
    visitor.force_login(account)
    new = {"new_password1": "evsportal2026", "new_password2": "evsportal2026"}
    page = visitor.post("/accounts/password/", {"old_password": RIGHT} | new)
    assert "words that others try first" in page.text
    account.refresh_from_db()
    assert account.check_password(RIGHT)


def test_demo_password_opens_the_sandbox_only(visitor, visitor_at, account, settings):
    account.set_password("demo")
    account.save()
    visitor.sign_in("alice", "demo")
    assert visitor.is_in
    settings.EVSPORTAL_MODE = "cloud"
    other = visitor_at("203.0.113.4")
    other.sign_in("alice", "demo")
    assert not other.is_in
