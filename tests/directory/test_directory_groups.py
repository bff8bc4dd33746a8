"""Which groups of a real directory count: those in groups too, and none that only has the name."""

import pytest
from django.contrib.auth.models import User

from tests.directory.slapd_server import BASE

AYSE = f"uid=ayse,ou=people,{BASE}"


def _groups(name="ayse"):
    return sorted(User.objects.get(username=name).groups.values_list("name", flat=True))


@pytest.fixture
def foreign_group(directory):
    """Of the name of ours, in a part of the directory that somebody else looks after."""
    dn = f"cn=it-admins,ou=others,{BASE}"
    directory.add(dn, objectClass=["groupOfNames"], cn=["it-admins"], member=[AYSE])
    yield dn
    directory.remove(dn)


def _spelt(dn):
    return dn.replace(",", "%2C").replace("=", "%3D")


def test_person_of_an_inner_group_is_in_the_outer(sign_in, settings):
    settings.EVSPORTAL_LDAP_ROLES = ["floor=staff", "house=helpdesk", "it-admins=administrator"]
    sign_in("ayse")
    assert _groups() == ["helpdesk", "staff"]
    sign_in("mert")
    assert _groups("mert") == []


def test_group_elsewhere_of_the_same_name_gives_no_role(sign_in, settings, foreign_group):
    settings.EVSPORTAL_LDAP_ROLES = ["it-admins=administrator", "evs-staff=staff"]
    sign_in("ayse")
    assert _groups() == ["staff"]


def test_group_elsewhere_counts_by_its_whole_name(sign_in, settings, foreign_group):
    settings.EVSPORTAL_LDAP_ROLES = [f"{_spelt(foreign_group)}=auditor"]
    sign_in("ayse")
    assert _groups() == ["auditor"]


def test_without_a_place_of_groups_members_entries_name_them(sign_in, settings, foreign_group):
    settings.EVSPORTAL_LDAP_GROUPS = ""
    settings.EVSPORTAL_LDAP_ROLES = ["it-admins=auditor", "evs-staff=staff"]
    sign_in("ayse")
    assert "auditor" in _groups()
