"""Processes beside the tests' own that work on the tests' database."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]


def environ(**more):
    """What a program of the portal needs to find this test's database and key."""
    name = str(connection.settings_dict["NAME"])
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = f"{postgres.url().rpartition('/')[0]}/{name}"
    facts = {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "evsportal.settings",
        "EVSPORTAL_MODE": "sandbox",
        "EVSPORTAL_VAR": str(settings.VAR_DIR),
        "EVSPORTAL_AUDIT_KEY": settings.EVSPORTAL_AUDIT_KEY,
        "EVSPORTAL_AUDIT_SEAL_ROWS": str(settings.EVSPORTAL_AUDIT_SEAL_ROWS),
        "PYTHONPATH": str(ROOT),
    }
    return (
        {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | facts | more
    )


def python(script, *args, **more):
    """Run it; whatever comes of it is told."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        cwd=ROOT,
        env=environ(**more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
