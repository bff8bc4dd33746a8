"""A mail server of this machine that keeps what it receives."""

import socket
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

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


@contextmanager
def mail_server_running():
    """The mailbox, and the port on 127.0.0.1 that it is filled by."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()
