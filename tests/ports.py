"""Ports for servers that tests start: not those that the system gives to outgoing connections.

A server needs a moment from the choice of its port until it listens. A port of the system's own
choice may meanwhile have become the near end of some other test's connection.
"""

import contextlib
import secrets
import socket

# Above those of known services, below Linux's default for outgoing connections.
_PORTS = range(10_000, 32_000)


def free_port() -> int:
    return free_ports()[0]


def free_ports(*, apart: tuple[int, ...] = (0,)) -> list[int]:
    """A free port of this machine for each distance from the first. `secrets` draws it, since
    pytest-randomly seeds `random` with the same number in every process.
    """
    for _ in range(100):
        first = secrets.choice(_PORTS)
        ports = [first + distance for distance in apart]
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in ports:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return ports
    raise AssertionError("No free ports.")
