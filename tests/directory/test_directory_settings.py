"""The settings of a directory are complete and right, or the start is refused."""

import pytest

from snapshots.directory import checks

GOOD = {
    "EVSPORTAL_LDAP_URL": "ldaps://directory.example.org",
    "EVSPORTAL_LDAP_PEOPLE": "ou=people,dc=example,dc=org",
}


@pytest.fixture
def faults(settings, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda _name: object())

    def faults_of(**changed):
        for name, value in (GOOD | changed).items():
            setattr(settings, name, value)
        return [message.msg for message in checks.check_directory()]

    return faults_of


def test_good_settings_have_no_fault(faults):
    assert faults() == []
    assert faults(EVSPORTAL_LDAP_FILTER="(&(uid=%(user)s)(employeeType=active))") == []


def test_without_an_address_nothing_is_asked_for(faults):
    assert faults(EVSPORTAL_LDAP_URL="", EVSPORTAL_LDAP_PEOPLE="") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "https://directory.example.org"),
        ("URL", "ldaps://"),
        ("PEOPLE", ""),
        ("FILTER", "(uid=ayse)"),
        ("FILTER", "uid=%(user)s"),
        ("FILTER", "(uid=%(name)s)"),
        ("FILTER", "(uid=%s)"),
        ("FILTER", "(uid=%(user)s%)"),
        ("CA", "/no/such/file"),
        ("ROLES", ["staff"]),
    ],
)
def test_fault_names_its_setting(faults, name, value):
    (fault,) = faults(**{f"EVSPORTAL_LDAP_{name}": value})
    assert f"EVSPORTAL_LDAP_{name}" in fault


def test_missing_packages_are_named(faults, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda _name: None)
    (fault,) = faults()
    assert "requirements-ldap.txt" in fault
