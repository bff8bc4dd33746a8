"""No password goes to a real or false directory that did not prove who it is."""

import socket
import threading

import pytest
from django.contrib.auth.models import User

from tests.directory.conftest import RIGHT
from tests.directory.slapd_server import BASE, READER_PASSWORD

REFUSES_TLS = bytes.fromhex("300c02010178070a013404000400")  # extended response: unavailable
REFUSED_OPERATION = bytes.fromhex("300c02010178070a010204000400")  # protocol error


def _is_in(browser):
    return browser.get("/accounts/sessions/").status_code == 200


@pytest.fixture
def over_start_tls(directory, settings):
    settings.EVSPORTAL_LDAP_URL = directory.start_tls_url
    settings.EVSPORTAL_LDAP_CA = directory.authority
    return directory


class Listener:
    """A server that keeps what it is sent, and gives one answer to everything."""

    def __init__(self, server, answer):
        self.received, self.connections = b"", 0
        self._server, self._answer = server, answer
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self):
        return self._server.getsockname()

    def _serve(self):
        while True:
            try:
                connection, _peer = self._server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(5)
                self._talk(connection)

    def _talk(self, connection):
        try:
            while read := connection.recv(4096):
                self.received += read
                connection.sendall(self._answer)
        except OSError:
            return


@pytest.fixture
def listener():
    """By the answer that it gives."""
    servers = []

    def listen(host, answer):
        servers.append(socket.create_server((host, 0)))
        return Listener(servers[-1], answer)

    yield listen
    for server in servers:
        server.close()


def test_person_signs_in_over_start_tls(sign_in, over_start_tls):
    assert _is_in(sign_in("ayse")[0])
    assert not _is_in(sign_in("ayse", "wrong")[0])


@pytest.mark.parametrize("trusted", [True, False])
def test_start_tls_demands_the_right_certificate(sign_in, over_start_tls, settings, trusted):
    if trusted:
        settings.EVSPORTAL_LDAP_URL = over_start_tls.start_tls_other_name
    else:
        settings.EVSPORTAL_LDAP_CA = ""
    browser, answer = sign_in("ayse")
    assert answer.status_code == 503
    assert not _is_in(browser)


@pytest.mark.parametrize("answer", [REFUSES_TLS, REFUSED_OPERATION, b"\x00" * 14, b""])
def test_refused_start_tls_gets_no_password(sign_in, settings, listener, answer):
    """Whoever stands in between takes TLS away in vain."""
    liar = listener("127.0.0.3", answer)
    settings.EVSPORTAL_LDAP_URL = "ldap://{}:{}".format(*liar.address)
    _browser, page = sign_in("ayse")
    assert page.status_code == 503
    assert liar.connections
    for secret in (RIGHT, READER_PASSWORD, "ayse"):
        assert secret.encode() not in liar.received
    assert not User.objects.exists()


def test_referral_is_not_followed(sign_in, directory, listener):
    elsewhere = listener("127.0.0.1", b"")
    dn = f"ou=elsewhere,ou=people,{BASE}"
    ref = "ldap://{}:{}/".format(*elsewhere.address)
    directory.add(dn, objectClass=["referral", "extensibleObject"], ou=["elsewhere"], ref=[ref])
    assert _is_in(sign_in("ayse")[0])
    assert not elsewhere.connections
