"""The page of an error shows no secret among the settings."""

import pytest
from django.views.debug import get_default_exception_reporter_filter

from evsportal.variables import VARIABLES

SECRETS = [variable.name for variable in VARIABLES if variable.is_secret]


@pytest.mark.parametrize("name", SECRETS)
def test_secret_setting_is_not_on_the_page(settings, name):
    for secret in ("q7-canary", ["https://user:q7-canary@example.org/"]):
        setattr(settings, name, secret)
        safe_settings = get_default_exception_reporter_filter().get_safe_settings()
        assert name in safe_settings
        assert "q7-canary" not in repr(safe_settings)
