"""A portal that people sign in to by a directory."""

from importlib.util import find_spec

import pytest
from django.test import Client

from tests.directory.slapd_server import (
    BASE,
    READER,
    READER_PASSWORD,
    SLAPADD,
    SLAPD,
    group,
    group_of_groups,
    person,
    running_directory,
)

RIGHT = "directory-Secret-7"


@pytest.fixture(scope="session")
def slapd(tmp_path_factory):
    if find_spec("django_auth_ldap") is None:
        pytest.skip("the extra ldap is not installed: requirements-ldap.txt")
    if not (SLAPD and SLAPADD):
        pytest.skip("slapd, the LDAP server of the tests, is not installed")
    people = [
        person("ayse", RIGHT, sn="Kaya", givenName="Ayşe", mail="ayse@example.org"),
        person("root", RIGHT),
        person("a*b", RIGHT),
        person("mert", RIGHT, mail="no address"),
    ]
    groups = [
        group("evs-staff", "ayse", "a*b"),
        group("evs-help"),
        group("it-admins", "root"),
        group("team 100% (a)", "ayse"),
        group_of_groups("floor", "team 100% (a)", "house"),
        group_of_groups("house", "floor"),  # each in the other
    ]
    with running_directory(tmp_path_factory.mktemp("slapd"), *people, *groups) as directory:
        yield directory


@pytest.fixture
def directory(slapd, db, settings):
    settings.EVSPORTAL_LDAP_URL = slapd.url
    settings.EVSPORTAL_LDAP_BIND_DN = READER
    settings.EVSPORTAL_LDAP_BIND_PASSWORD = READER_PASSWORD
    settings.EVSPORTAL_LDAP_PEOPLE = f"ou=people,{BASE}"
    settings.EVSPORTAL_LDAP_GROUPS = f"ou=groups,{BASE}"
    settings.EVSPORTAL_LDAP_ROLES = ["evs-staff=staff", "evs-help=helpdesk"]
    settings.EVSPORTAL_LDAP_SECONDS = 2
    return slapd


@pytest.fixture
def sign_in(directory):
    """Signs in with a browser of its own: the browser, and the answer."""

    def sign_in_as(name, password=RIGHT):
        browser = Client()
        answer = browser.post("/accounts/login/", {"username": name, "password": password})
        return browser, answer

    return sign_in_as
