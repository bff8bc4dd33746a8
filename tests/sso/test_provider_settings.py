"""Half a configuration stops the start."""

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db  # the checks look at names in the database
WHOLE = {"ISSUER": "https://id.example.org", "CLIENT_ID": "portal"}


def _faults(settings, **values):
    for name, value in values.items():
        setattr(settings, f"EVSPORTAL_OIDC_{name}", value)
    return [error.msg for error in run_checks() if error.id == "evsportal.E030"]


def test_whole_configuration_passes(settings):
    assert _faults(settings) == []
    assert _faults(settings, **WHOLE, ROLES=["evs-staff=staff", "a%3Db=dba"]) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"CLIENT_ID": ""}, "go together"),
        ({"ISSUER": ""}, "go together"),
        ({"ISSUER": "http://id.example.org"}, "https"),
        ({"ISSUER": "id.example.org"}, "https"),
        ({"CA": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ({"ROLES": ["evs-staff"]}, "their-group=role"),
        ({"ROLES": ["=staff"]}, "their-group=role"),
        ({"ROLES": ["it=Auditor"]}, "reads like “auditor”, which is a role"),
        ({"ROLES": [f"it={'x' * 151}"]}, "longer than a group's name"),
        ({"ISSUER": "", "CLIENT_ID": "", "ROLES": ["a=staff"]}, "no provider"),
    ],
)
def test_half_a_configuration_is_named(settings, values, sentence):
    (fault,) = _faults(settings, **{**WHOLE, **values})
    assert sentence in fault


def test_misspelt_role_is_told(settings):
    settings.EVSPORTAL_OIDC_ROLES = ["it=administrators", "staff=staff"]
    settings.EVSPORTAL_OIDC_ISSUER, settings.EVSPORTAL_OIDC_CLIENT_ID = WHOLE.values()
    warnings = [warning.msg for warning in run_checks() if warning.id == "evsportal.W024"]
    assert warnings == ["EVSPORTAL_OIDC_ROLES: there is no role or group “administrators” yet."]
