"""What systemd is told, and the socket that it hands over. Without systemd nothing happens.

The protocols of sd_notify(3) and sd_listen_fds(3); neither needs a library.
"""

import contextlib
import os
import socket
from collections.abc import Callable

READY = "READY=1"
_FIRST_FD = 3


def take_notifier() -> Callable[[str], None]:
    """What tells the service manager a state, such as `READY`. What it cannot take is lost.

    Its address leaves the environment: the programs that this process starts are not the service.
    """
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if address.startswith("@"):  # Linux's abstract names
        address = f"\0{address[1:]}"

    def notify(state: str) -> None:
        if not address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.sendto(state.encode(), address)

    return notify


def take_listening_socket() -> socket.socket | None:
    """The first socket that the service manager opened for this very process, if there is any.

    The manager goes on holding it: connections wait in it while this service is started again.
    """
    names = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    values = {name: os.environ.pop(name, "") for name in names}
    if not values["LISTEN_FDS"].isdecimal() or int(values["LISTEN_FDS"]) < 1:
        return None
    os.set_inheritable(_FIRST_FD, False)
    return socket.socket(fileno=_FIRST_FD)
