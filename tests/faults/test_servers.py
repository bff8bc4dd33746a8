"""PostgreSQL goes away under load: for a while, or for ever with a replica in its place."""

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import requests
from django.db import connection
from psycopg.types.uuid import UUIDLoader

from tests import postgres
from tests.e2e.stack import running
from tests.faults.judge import judge
from tests.faults.portal import SHORT
from tests.faults.whole import House, Person, clicking
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's servers"),
]
VOLUMES = 4
GONE_SECONDS = 12  # by hand: 60
RECOVERS_SECONDS = 90
_ = connection  # read by the condition above


class _Digits(UUIDLoader):
    """Ids as SQLite has them, which the judge compares with those of files."""

    def load(self, data):
        return super().load(data).hex


@dataclass
class PostgresHouse(House):
    """A portal on servers that are struck; `servers` are asked in this order."""

    servers: tuple[postgres.Server, ...] = ()

    @contextmanager
    def books(self):
        with psycopg.connect(address_of(*self.servers), connect_timeout=3) as books:
            books.adapters.register_loader("uuid", _Digits)
            yield books


def address_of(*servers):
    """The one that takes connections; of several the first that does."""
    hosts = ",".join(str(server.folder) for server in servers)
    return f"postgresql:///postgres?host={hosts}&user=evsportal"


@contextmanager
def house_on(folder, *servers):
    settings = SHORT.settings | {"EVSPORTAL_INVENTORY_SECONDS": "1"}
    with running(folder, DATABASE_URL=address_of(*servers), **settings) as stack:
        house = PostgresHouse(stack, servers=servers)
        volumes = house.add_volumes(VOLUMES)
        alice = Person(stack.url)
        alice.sign_in()
        yield house, alice, volumes


@pytest.fixture
def primary():
    server = postgres.started([])
    yield server
    server.remove()


@pytest.fixture
def replica(primary):
    """Each commit of the primary has reached it."""
    server = postgres.Server([])
    server.copy(primary)
    server.start()
    with psycopg.connect(primary.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        admin.execute("SELECT pg_reload_conf()")
        sql = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        until(lambda: admin.execute(sql).fetchone(), seconds=30)
    yield server
    server.remove()


def was_acknowledged(person, count):
    until(lambda: len(person.acknowledged) >= count, seconds=RECOVERS_SECONDS)


def check(house, alice):
    """Each click became one request, and each request at most one snapshot."""
    until(house.are_settled, seconds=RECOVERS_SECONDS)
    facts = house.facts(alice)
    judgment = judge(facts)
    assert judgment.is_clean, judgment
    assert {operation.id for operation in facts.operations} == alice.told()
    assert 'Traceback (most recent call last):\n  File "manage.py"' not in house.stack.log()


def test_server_that_is_gone_for_a_while_loses_nothing(primary, tmp_path):
    with house_on(tmp_path, primary) as (house, alice, volumes):
        processes = set(house.processes())
        with clicking(alice, volumes, times=3) as clicks:
            was_acknowledged(alice, 3)
            primary.crash()
            page = alice.reads("/requests/")
            assert page.status_code == 503
            assert "The portal cannot reach its database" in page.text
            time.sleep(GONE_SECONDS)
            primary.start()
            clicks.join(RECOVERS_SECONDS)
        check(house, alice)
        assert len(alice.acknowledged) == 3 * VOLUMES
        assert processes <= set(house.processes())  # nobody had to start anything again


def test_replica_reads_until_it_is_promoted(primary, replica, tmp_path):
    with house_on(tmp_path, primary, replica) as (house, alice, volumes):
        with clicking(alice, volumes, times=3) as clicks:
            was_acknowledged(alice, 3)
            primary.crash()
            until(lambda: in_recovery(house), seconds=30)
            assert alice.reads("/requests/").status_code == 200
            refused = alice.asks(volumes[0])
            assert refused.status_code == 503
            assert "Your request was not recorded, and nothing was sent" in refused.text
            acknowledged = len(alice.acknowledged)
            time.sleep(3)
            assert len(alice.acknowledged) <= acknowledged + 1  # one may have been under way
            replica.promote()
            clicks.join(RECOVERS_SECONDS)
        check(house, alice)
        assert len(alice.acknowledged) == 3 * VOLUMES


def in_recovery(house):
    answer = requests.get(f"{house.stack.url}/readyz", timeout=20)
    return answer.status_code == 503 and "takes no changes" in answer.text
