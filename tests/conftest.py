"""What all tests share. Settings are in `tests/settings.py`, read before this file."""

import gc
import ipaddress
import os
import socket
import sys

import hypothesis
import pytest
from django.test import TransactionTestCase

# What is found must not depend on how busy the machine is: the first text that is drawn in a fresh
# folder waits for tables of Unicode to be made.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    # Acted upon in tests/settings.py; declared here so that pytest knows the word.
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite")
    # Whole portals, as `e2e/stack.py` starts them, then have this engine; and tests/engine runs.
    parser.addoption("--engine", choices=["embedded", "celery"], default="embedded")
    # `./run check` tries each test on PostgreSQL, `./run check --whole` with all that it is given.
    parser.addoption("--parameters", choices=["all", "edges"], default="all")


def pytest_configure(config: pytest.Config) -> None:
    os.environ["TESTS_ENGINE"] = config.getoption("--engine")


def _refuse_beyond_loopback(address: object) -> None:
    """Nothing but this machine is reachable from a test, by whatever library."""
    if not isinstance(address, tuple) or _LIVE:  # not a tuple: a Unix socket
        return
    host = str(address[0])
    try:
        allowed = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        allowed = host == "localhost"
    if not allowed:
        raise AssertionError(f"A test wants to reach {address}; only loopback is open.")


def _guarded(connect):
    def refuse_or_connect(self, address):
        _refuse_beyond_loopback(address)
        return connect(self, address)

    return refuse_or_connect


# Somebody named a live cloud to be asked: then it has to be reachable.
_LIVE = any(name.startswith("EVSPORTAL_LIVE_") for name in os.environ)
socket.socket.connect = _guarded(socket.socket.connect)
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark what depends on the kind of database: `./run check` repeats it on PostgreSQL."""
    for item in items:
        if item.get_closest_marker("any_database"):
            continue
        if _opens_database(item) or item.get_closest_marker("skipif"):  # mostly on the kind
            item.add_marker(pytest.mark.database)
    if config.getoption("--parameters") == "edges":
        items[:] = _with_edges_alone(items)


def pytest_collection_finish():
    """What was imported stays: looking through it for garbage took an eighth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, *gc.get_threshold()[1:])


def _with_edges_alone(items):
    """Each test with the first and the last of its parameter sets: all of them ask the database the
    same queries, mostly.
    """
    sets_of = {}
    for item in items:
        sets_of.setdefault(item.nodeid.partition("[")[0], []).append(item)
    edges = {id(item) for sets in sets_of.values() for item in (sets[0], sets[-1])}
    return [item for item in items if id(item) in edges]


def _opens_database(item):
    names = set(item.fixturenames)
    if "prepare_database" in names:  # for a portal that is started on SQLite
        return False
    return bool(names & {"db", "transactional_db"}) or bool(item.get_closest_marker("django_db"))


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    """What a process keeps for a second is read each time, and nothing is known of other tests."""
    if "django.apps" not in sys.modules:
        return
    from django.apps import apps

    if apps.models_ready:
        from snapshots import tallies
        from snapshots.selectors import kept, unchanged

        monkeypatch.setattr(kept, "SECONDS", 0)
        unchanged.memory.clear()
        tallies._counts.take()  # a page without a database would write them after its answer


@pytest.fixture(autouse=True)
def _files_without_number(monkeypatch):
    """Many tests leave a file unread, and only a web server closes what nobody reads."""
    if "django.apps" not in sys.modules:
        return
    from django.apps import apps

    if apps.models_ready:
        from snapshots.views import downloads

        monkeypatch.setattr(downloads, "MOST_AT_ONCE", 10_000)


# --- people: `tests/pages/conftest.py` gives each a browser --------------------------------------


@pytest.fixture
def alice(db):
    """Staff; asks for snapshots."""
    return _person("alice")


@pytest.fixture
def bob(db):
    """Staff too; sees nothing of hers."""
    return _person("bob")


@pytest.fixture
def helen(db):
    """Helpdesk."""
    return _person("helen")


@pytest.fixture
def audrey(db):
    """Auditor."""
    return _person("audrey")


def _person(name):
    from tests import factories  # which needs loaded models

    return factories.person(name)


# --- the database --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def pristine(django_db_setup, django_db_blocker):
    """The migrated test database as a copy, which is restored after each test that commits."""
    from tests.pristine import copy_of_database

    with django_db_blocker.unblock():
        copy = copy_of_database()
    TransactionTestCase._fixture_teardown = lambda _test: copy.restore()
    yield copy  # with the database closed again to tests that do not ask for it
    with django_db_blocker.unblock():
        copy.close()


@pytest.fixture
def prepare_database(db, pristine):
    """Puts a migrated SQLite database where a started portal will look for its own."""

    def prepare(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        pristine.copy_to(path)

    return prepare


@pytest.fixture
def _django_db_helper(pristine, _django_db_helper):
    """pytest-django's fixture of each test with a database, after the copy was made."""
