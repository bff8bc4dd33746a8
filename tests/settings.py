"""The portal's settings as the tests see them: a folder of their own, nothing of this machine's.

pytest-django reads the settings before any conftest, so what they depend on is settled here.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests import postgres

# Live contract tests name their cloud in EVSPORTAL_LIVE_...; all else would leak into the tests.
for name in list(os.environ):
    if name.startswith("EVSPORTAL_") and not name.startswith("EVSPORTAL_LIVE_"):
        del os.environ[name]

_folder = Path(tempfile.mkdtemp(prefix="evsportal-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

os.environ |= {"EVSPORTAL_MODE": "sandbox", "EVSPORTAL_VAR": str(_folder)}
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop beside the ORM
os.environ.pop("DATABASE_URL", None)
os.environ.pop("OS_CLOUD", None)
if postgres.is_asked_for(sys.argv):
    os.environ["DATABASE_URL"] = postgres.url()

from evsportal.settings import *  # noqa: E402, F403 - after the environment they are read from
from evsportal.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402 - as above

if "DATABASE_URL" not in os.environ:
    # A file: an in-memory database is one connection, and live servers have threads.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
    # Speed: what is lost with the power is a test run.
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir()  # empty; the live server finds the files where they are
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
