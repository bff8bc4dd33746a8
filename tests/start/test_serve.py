"""`manage serve`: the real web server; refusals before anything is started."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError

from snapshots.management import database
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free():
    return free_port()


@pytest.fixture
def portal(tmp_path, free):
    """The web part on a port and in a folder of its own; its output is in the file `said`."""
    environ = os.environ | {
        "PORT": str(free),
        "EVSPORTAL_VAR": str(tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "evsportal.settings",
        "DATABASE_URL": "",
    }
    argv = [sys.executable, ROOT / "manage.py", "serve", "--no-worker", "--no-sandbox"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(argv, env=environ, cwd=tmp_path, stdout=said, stderr=said)
    yield process
    process.terminate()
    process.wait(15)


def test_web_migrates_announces_its_page_and_ends_cleanly(portal, tmp_path, free):
    until(lambda: "Ctrl-C" in (tmp_path / "said").read_text() or portal.poll(), seconds=30)
    said = (tmp_path / "said").read_text()
    assert f"The portal is at http://127.0.0.1:{free}" in said
    assert "alice" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{free}/accounts/login/", timeout=5) as page:
        assert page.status == 200
    portal.send_signal(signal.SIGTERM)
    assert portal.wait(15) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=1)


def test_database_outage_is_one_sentence(db, monkeypatch, free):
    def refuse(*_args):
        raise OperationalError("connection refused")

    monkeypatch.setenv("PORT", str(free))
    monkeypatch.setattr(database, "MigrationExecutor", refuse)
    with pytest.raises(CommandError, match="cannot be used: connection refused"):
        call_command("serve", "--no-sandbox")


def test_a_taken_port_is_refused_with_the_way_out(monkeypatch, taken):
    monkeypatch.setenv("PORT", str(taken))
    with pytest.raises(CommandError, match=f"Port {taken} .*in use.*PORT=8080"):
        call_command("serve", "--no-sandbox")


def test_the_sandbox_s_taken_port_is_refused_by_name(monkeypatch, taken, free):
    monkeypatch.setenv("PORT", str(free))
    monkeypatch.setenv("EVSPORTAL_SANDBOX_URL", f"http://127.0.0.1:{taken}")
    with pytest.raises(CommandError, match=f"Port {taken} .*the sandbox's"):
        call_command("serve")


@pytest.mark.parametrize("port", ["80a", "0", "-1", "65535", "99999"])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(ImproperlyConfigured, match="write a whole number from 1 to 65526"):
        call_command("serve")
