"""A sandbox on loopback for each test."""

import pytest
from sandbox_client import Client, Clock

from snapshots.sandbox import SandboxOptions, SandboxServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock):
    """Starts a sandbox with options; all are stopped at the end."""
    started = []

    def start_one(port=0, **options):
        chosen = {"clock": clock, "seconds": 4, "slow_seconds": 0.2, "hold_seconds": 30, **options}
        server = SandboxServer(SandboxOptions(**chosen), port)
        started.append(server)
        return server.start()

    yield start_one
    for server in started:
        server.stop()


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def client(server) -> Client:
    return Client(server)
