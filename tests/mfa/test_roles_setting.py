"""A misspelt role stops the start."""

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db  # other checks look at names in the database


def _faults(settings, *roles):
    settings.EVSPORTAL_SECOND_FACTOR_ROLES = list(roles)
    return [error.msg for error in run_checks() if error.id == "evsportal.E031"]


def test_roles_of_the_portal_pass(settings):
    assert _faults(settings) == []
    assert _faults(settings, "administrator", "staff") == []


def test_misspelt_role_is_named(settings):
    (fault,) = _faults(settings, "administrator", "admins")
    assert "no role admins" in fault
