"""A mail server of this machine that keeps what it receives."""

from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from tests.ports import free_port
from tests.waiting import until


class Mailbox(Message):
    """What the server received."""

    def __init__(self):
        super().__init__(EmailMessage)
        self.messages = []

    def handle_message(self, message):
        self.messages.append(message_from_bytes(bytes(message), policy=policy.default))

    def next(self):
        return until(lambda: self.messages and self.messages.pop(0))


class _Server(Controller):
    """Knows its connections: a message is here before its sender has said good-bye."""

    def __init__(self, box, port):
        super().__init__(box, hostname="127.0.0.1", port=port)
        self._sessions = []

    def factory(self):
        self._sessions.append(super().factory())
        return self._sessions[-1]

    def wait_for_good_byes(self):
        until(lambda: not any(session.transport for session in self._sessions), seconds=20)


@contextmanager
def mail_server_running():
    """The mailbox, and the port on 127.0.0.1 that it is filled by."""
    port = free_port()
    box = Mailbox()
    server = _Server(box, port)
    server.start()
    yield box, port
    server.wait_for_good_byes()
    server.stop()
