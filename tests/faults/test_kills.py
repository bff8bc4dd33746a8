"""Web server, parent or all at once killed by -9, and power cuts, while people click."""

import os
import random
import signal
import sqlite3
import sys
from collections import Counter

import pytest

from tests.e2e.stack import running
from tests.faults.judge import judge
from tests.faults.portal import SHORT
from tests.faults.whole import House, Person, clicking, operations_of, rows_of
from tests.start.test_supervisor import is_gone
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(150),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
VOLUMES = 6
GONE_SECONDS = 8  # a worker ends what it has in hand first, at most a deadline
SETTLED_SECONDS = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    settings = SHORT.settings | {"EVSPORTAL_INVENTORY_SECONDS": "1"}
    with running(tmp_path_factory.mktemp("house"), **settings) as stack:
        yield House(stack)


@pytest.fixture(scope="module")
def volumes(house):
    return house.add_volumes(VOLUMES)


@pytest.fixture(scope="module")
def alice(house, volumes):
    person = Person(house.stack.url)
    person.sign_in()
    return person


def has_been_told(person, count):
    until(lambda: len(person.acknowledged) >= count, seconds=30)


def kill_web(house):
    """The programs' parent starts it again; none of its processes is left from before."""
    before = house.web()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: all(is_gone(pid) for pid in before), seconds=GONE_SECONDS)
    until(house.web, seconds=GONE_SECONDS)


def kill_parent(house):
    """Nothing lives on; a fresh start takes over what was left."""
    before = list(house.processes())
    house.stack._process.kill()
    house.stack._process.wait()
    until(lambda: all(is_gone(pid) for pid in before), seconds=GONE_SECONDS)
    house.stack.start()


def kill_all(house):
    for pid in [house.parent, *house.processes()]:
        os.kill(pid, signal.SIGKILL)
    house.stack._process.wait()
    house.stack.start()


def test_each_click_counts_once_whatever_is_killed(house, alice, volumes):
    before = len(alice.acknowledged)
    with clicking(alice, volumes, times=3):
        for count, kill in ((2, kill_web), (6, kill_parent), (11, kill_all)):
            has_been_told(alice, before + count)
            kill(house)
    until(house.are_settled, seconds=SETTLED_SECONDS)
    facts = house.facts(alice)
    judgment = judge(facts)
    assert judgment.is_clean, judgment
    assert len(alice.acknowledged) == before + 3 * VOLUMES
    assert {one.id for one in facts.operations} == alice.told()


def test_after_a_power_cut_the_database_knows_all_that_was_sent(house, alice, volumes, tmp_path):
    moments = random.Random(5)
    reached = Counter()
    with clicking(alice, volumes, times=3) as thread:
        for number in range(12):
            thread.join(moments.uniform(0.02, 0.4))
            with house.frozen():
                told, reached = alice.told(), house.requests()
                copy = house.copy_database(tmp_path / f"cut-{number}")
            check(copy, told, reached)
    assert told
    assert sum(method == "POST" and path.endswith("/snapshots") for method, path in reached) == 1


def check(copy, told, reached):
    """The copy is whole; whoever was told that a request is recorded was told the truth; what the
    cloud has counted was recorded before.
    """
    books = sqlite3.connect(copy)
    assert books.execute("pragma integrity_check").fetchone() == ("ok",)
    assert books.execute("pragma foreign_key_check").fetchall() == []
    assert told <= {one.id for one in operations_of(books)}
    assert not reached - Counter((row.method, row.target) for row in rows_of(books))
    books.close()
