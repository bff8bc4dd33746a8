"""A key, a trail of which a part is old enough for an archive, and the triggers out of the way."""

import pytest
from archive_scene import sealed
from django.db import connection
from trail_scene import fill

from snapshots.audit.database import guards
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import seal_new_rows


@pytest.fixture
def key(settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    return keys.public_key()


@pytest.fixture
def open_door():
    """The triggers are away, as for somebody who holds the file."""
    connection.check_constraints()
    guards.lift()
    yield
    connection.check_constraints()
    guards.install()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.fixture
def folder(tmp_path, settings):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 40
    (tmp_path / "archives").mkdir()
    return tmp_path / "archives"


@pytest.fixture
def trail(key, folder):
    """A month ago people did things, which were sealed; today they do more."""
    sealed(fill)
    fill(20, seed=2)
    seal_new_rows(at_once=True)
    return key
