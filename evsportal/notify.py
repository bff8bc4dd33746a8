"""What systemd is told, and the socket that it hands over. Without systemd nothing happens.

The protocols of sd_notify(3) and sd_listen_fds(3); neither needs a library.
"""

import contextlib
import os
import socket

_FIRST_FD = 3


def notify(state: str) -> None:
    """Tell the service manager, such as `READY=1`. What it cannot take is lost, not raised."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # Linux's abstract names
        address = f"\0{address[1:]}"
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), address)


def handed_over() -> socket.socket | None:
    """The first socket that the service manager opened for this very process, if there is any."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    for name in ("LISTEN_PID", "LISTEN_FDNAMES"):  # not for the programs that we start
        os.environ.pop(name, None)
    if os.environ.pop("LISTEN_FDS", "0") == "0":
        return None
    os.set_inheritable(_FIRST_FD, False)
    return socket.socket(fileno=_FIRST_FD)
