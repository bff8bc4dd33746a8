import pytest
from evs_loopback import FakeCloud, Hand, Loopback, Recording

from snapshots.evs.client import EvsClient
from snapshots.evs.connection import connect
from snapshots.evs.wire import Wire


@pytest.fixture
def server():
    server = Loopback()
    yield server
    server.close()


@pytest.fixture
def cloud():
    cloud = FakeCloud()
    yield cloud
    cloud.close()


@pytest.fixture
def recorder():
    return Recording()


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def wire():
    wire = Wire(connect_seconds=1, read_seconds=2, deadline_seconds=3)
    yield wire
    wire.close()


@pytest.fixture
def client(cloud, recorder, hand, wire):
    """A client of the fake cloud; `client(dialect=...)` for another configuration."""

    def build(**changes):
        connection = connect(cloud.config(**changes), wire=wire, clock=hand.clock)
        return EvsClient(connection, recorder)

    return build
