"""The newest seal is told outside, once to each target, and a dead target stops nothing."""

import json
import socket

import pytest
from django.core import mail
from receivers import a_hook, a_log_server
from trail_scene import fill

from snapshots.audit.delivery import anchors
from snapshots.audit.seals.sealing import latest_seal, seal_new_rows
from snapshots.checks import check_anchors
from tests.received_mail import mail_server_running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_told_yet():
    anchors._last_sent.clear()
    anchors._pause.clear()


@pytest.fixture
def sealed():
    fill(3)
    seal_new_rows(at_once=True)
    return latest_seal()


@pytest.fixture
def hook():
    with a_hook() as server:
        yield server


def test_a_file_gets_each_new_seal_once(sealed, settings, tmp_path):
    settings.EVSPORTAL_AUDIT_ANCHORS = [f"file:{tmp_path}/anchors"]
    anchors.send_latest()
    anchors.send_latest()
    fill(1, seed=2)
    seal_new_rows(at_once=True)
    anchors.send_latest()
    facts = [json.loads(row) for row in (tmp_path / "anchors").read_text().splitlines()]
    assert [row["number"] for row in facts] == [1, 2]
    assert facts[0]["digest"] == sealed.digest


def test_seal_is_sent_to_stdout_mail_and_udp(sealed, settings, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        port = receiver.getsockname()[1]
        settings.EVSPORTAL_AUDIT_ANCHORS = [
            "stdout",
            "mailto:audit@example.org",
            f"syslog://127.0.0.1:{port}",
        ]
        anchors.send_latest()
        message = receiver.recv(9000).decode()
    assert capsys.readouterr().out == f"seal {anchors.line(sealed)}\n"
    assert mail.outbox[0].to == ["audit@example.org"]
    assert sealed.digest in mail.outbox[0].body
    assert message.startswith("<109>1 ")
    assert sealed.digest in message


def test_mail_goes_to_this_host_where_no_server_is_set(sealed, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EVSPORTAL_AUDIT_ANCHORS = ["mailto:audit@example.org"]
    with mail_server_running() as (mailbox, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "", port
        anchors.send_latest()
        received = mailbox.next()
    assert sealed.digest in received.get_content().replace("\n", "")


def test_a_log_server_over_tcp(sealed, settings):
    with a_log_server() as server:
        settings.EVSPORTAL_AUDIT_ANCHORS = [f"syslog+tcp://127.0.0.1:{server.server_address[1]}"]
        anchors.send_latest()
        anchors.send_latest()
    [message] = server.got
    assert message.endswith(f" seal - \ufeff{anchors.line(sealed)}")


def test_refused_seal_is_sent_again_without_logging_secrets(sealed, settings, hook, caplog):
    address = f"http://127.0.0.1:{hook.server_port}/topsecret"
    settings.EVSPORTAL_AUDIT_ANCHORS = [address]
    hook.answers = 503
    anchors.send_latest()
    assert "it answered 503" in caplog.text
    assert "topsecret" not in caplog.text
    anchors.send_latest()  # not before the pause is over
    assert len(hook.got) == 1
    hook.answers = 204
    anchors._pause.clear()
    anchors.send_latest()
    anchors.send_latest()
    assert [key for key, _ in hook.got] == ["1", "1"]
    assert hook.got[1][1]["digest"] == sealed.digest


def test_nobody_there_does_not_stop_the_others(sealed, settings, tmp_path, caplog):
    settings.EVSPORTAL_AUDIT_ANCHORS = [
        "http://127.0.0.1:1/hook",
        "file:/nowhere/at/all",
        f"file:{tmp_path}/anchors",
    ]
    anchors.send_latest()
    assert (tmp_path / "anchors").exists()
    assert caplog.text.count("was not told") == 2


@pytest.mark.parametrize("target", ["http://example.org/x", "ftp://x/", "file:", "mailto:", "x"])
def test_a_target_that_cannot_be_stops_the_start(settings, target):
    settings.EVSPORTAL_AUDIT_ANCHORS = [target]
    assert [row.id for row in check_anchors()] == ["evsportal.E008"]
