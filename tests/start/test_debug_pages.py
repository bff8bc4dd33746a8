"""The page of an error shows no secret among the settings."""

import subprocess
import sys

import pytest
from django.views.debug import get_default_exception_reporter_filter

from evsportal.variables import VARIABLES
from tests.e2e.stack import ROOT

SECRETS = [variable.name for variable in VARIABLES if variable.is_secret]


@pytest.mark.parametrize("name", SECRETS)
def test_secret_setting_is_not_on_the_page(settings, name):
    for secret in ("q7-canary", ["https://user:q7-canary@example.org/"]):
        setattr(settings, name, secret)
        safe_settings = get_default_exception_reporter_filter().get_safe_settings()
        assert name in safe_settings
        assert "q7-canary" not in repr(safe_settings)


CANARY = "q7-canary-" + "x" * 40
BY_NAME = {
    "DATABASE_URL": f"postgresql://portal:{CANARY}@127.0.0.1/portal",
    "EVSPORTAL_EMAIL_URL": f"smtps://portal:{CANARY}@mail.example.org",
    "EVSPORTAL_BROKER_URL": f"amqp://portal:{CANARY}@127.0.0.1/portal",
    "EVSPORTAL_AUDIT_ANCHORS": f"https://portal:{CANARY}@seals.example.org/",
    "EVSPORTAL_AUDIT_PUSH": f"https://portal:{CANARY}@trail.example.org/",
}
SHOW = """
import django
django.setup()
from django.views.debug import get_default_exception_reporter_filter
print(get_default_exception_reporter_filter().get_safe_settings())
"""


def test_no_setting_of_a_process_shows_a_secret(tmp_path):
    """Also those that are made of others."""
    secrets = {name: BY_NAME.get(name, CANARY) for name in SECRETS}
    others = {"EVSPORTAL_MODE": "sandbox", "EVSPORTAL_VAR": str(tmp_path)}
    environ = {"DJANGO_SETTINGS_MODULE": "evsportal.settings", **others, **secrets}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=environ,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "EVSPORTAL_EMAIL_URL" in done.stdout
    assert "q7-canary" not in done.stdout
