"""SIGHUP: corrected settings take over without a restart, and wrong ones change nothing."""

import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import requests

from snapshots.sandbox import scenarios
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.server import SandboxServer
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
CLOUDS = """
clouds:
  ankara:
    auth:
      auth_url: {auth_url}
      username: {username}
      password_file: secret.txt
      user_domain_name: {domain}
      project_name: {project}
    region_name: {region}
"""


class Portal:
    """A portal with a real cloud, which is a sandbox that does not know of it."""

    def __init__(self, folder, sandbox):
        self.folder = folder
        self.sandbox = sandbox
        self.clouds = folder / "clouds.yaml"
        self.key = folder / "key"
        self.write_private(
            self.clouds,
            CLOUDS.format(
                auth_url=f"{sandbox.url}/v3",
                username=scenarios.USERNAME,
                domain=scenarios.DOMAIN,
                project=scenarios.PROJECT_NAME,
                region=scenarios.REGION,
            ),
        )
        self.write_private(self.key, "x" * 50)
        self.set_password(scenarios.PASSWORD)
        self.port = free_port()

    def write_private(self, path, text):
        path.touch(mode=0o600)
        path.write_text(text)

    def set_password(self, text):
        self.write_private(self.folder / "secret.txt", text)

    def start(self, *arguments):
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith("EVSPORTAL_")
        }
        environ = clean | {
            "PORT": str(self.port),
            "EVSPORTAL_MODE": "cloud",
            "EVSPORTAL_CLOUDS": str(self.clouds),
            "EVSPORTAL_SECRET_KEY_FILE": str(self.key),
            "EVSPORTAL_VAR": str(self.folder / "var"),
            "EVSPORTAL_INVENTORY_SECONDS": "0.5",
            "DJANGO_SETTINGS_MODULE": "evsportal.settings",
            "DATABASE_URL": "",
        }
        with (self.folder / "log").open("ab") as log:
            argv = [sys.executable, ROOT / "manage.py", *arguments]
            self.process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log)
        return self.process

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def ask(self, sql):
        """The first value of the answer; None without rows, or tables."""
        file = self.folder / "var" / "portal.sqlite3"
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                row = database.execute(sql).fetchone()
        except sqlite3.OperationalError:
            return None
        return row[0] if row else None

    def logins(self):
        return self.ask("SELECT count(*) FROM snapshots_exchange WHERE purpose = 'login'")

    def refused(self):
        return self.ask("SELECT refused_credentials FROM snapshots_cloudhealth")

    def volumes(self):
        return self.ask("SELECT count(*) FROM snapshots_volume")

    def status(self):
        page = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            page.request("GET", "/accounts/login/", headers={"Connection": "close"})
            return page.getresponse().status
        finally:
            page.close()


@pytest.fixture
def portal(tmp_path, prepare_database):
    prepare_database(tmp_path / "var" / "portal.sqlite3")
    with SandboxServer(SandboxOptions()) as sandbox:
        made = Portal(tmp_path, sandbox)
        yield made
        if made.process.poll() is None:
            made.process.terminate()
        made.process.wait(30)


def test_hangup_of_portal_brings_a_corrected_password_into_force(portal):
    portal.set_password("wrong-password-planted")
    portal.start("serve")
    until(lambda: portal.refused() and "The portal is at" in portal.log, seconds=60)
    assert portal.logins() == 1

    portal.set_password("another-wrong-password")
    portal.hang_up()
    until(lambda: "the settings before stay in force" in portal.log, seconds=60)
    assert "ankara: The cloud refused our sign-in" in portal.log

    portal.set_password(scenarios.PASSWORD)
    portal.hang_up()
    statuses, stopped = [], threading.Event()
    visits = threading.Thread(target=lambda: visit(portal, statuses, stopped))
    visits.start()
    until(lambda: portal.volumes() and "serve: reloaded" in portal.log, seconds=60)
    stopped.set()
    visits.join()
    until(lambda: portal.refused() == "", seconds=20)
    assert set(statuses) == {200}  # nobody was refused meanwhile
    assert "planted" not in portal.log


def visit(portal, statuses, stopped):
    while not stopped.wait(0.05):
        try:
            statuses.append(portal.status())
        except OSError as error:
            statuses.append(repr(error))


def test_hangup_with_a_broken_clouds_file_changes_nothing(portal):
    portal.start("serve", "--no-web")
    until(portal.volumes, seconds=60)
    good = portal.clouds.read_text()
    portal.clouds.write_text("clouds: {ankara: [")
    portal.hang_up()
    until(lambda: "the settings before stay in force" in portal.log, seconds=60)
    assert "clouds.yaml" in portal.log
    portal.clouds.write_text(good)
    readings = "SELECT count(*) FROM snapshots_exchange WHERE purpose = 'inventory'"
    before = portal.ask(readings)
    until(lambda: portal.ask(readings) > before, seconds=30)


def test_hangup_lets_a_request_in_hand_finish(portal):
    slow = {"times": 1, "method": "GET", "path": ".*/volumes/detail", "delay_seconds": 4}
    fault = slow | {"status": 503}
    requests.post(f"{portal.sandbox.url}/_sandbox/faults", json=fault, timeout=5)
    portal.start("worker")
    exchange = "SELECT seq FROM snapshots_exchange WHERE purpose = 'inventory' ORDER BY seq"
    first = until(lambda: portal.ask(exchange), seconds=60)
    portal.hang_up()
    answer = f"SELECT status FROM snapshots_answer WHERE exchange_id = {first}"
    assert until(lambda: portal.ask(answer), seconds=30) == 503
    until(lambda: portal.log.count("The worker ") == 2, seconds=60)
    assert portal.process.poll() is None


def test_hangup_of_worker_reloads_corrected_password(portal):
    portal.set_password("wrong-password-planted")
    portal.start("worker")
    until(portal.refused, seconds=60)
    portal.set_password(scenarios.PASSWORD)
    portal.hang_up()
    until(portal.volumes, seconds=60)
    assert portal.process.poll() is None
    portal.process.terminate()
    assert portal.process.wait(30) == 0
