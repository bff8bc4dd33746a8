"""Secrets planted in a really started portal: its standard error and every file it leaves."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import pytest

from tests.audit import leaky_cloud
from tests.audit.leaky_cloud import BAD, GOOD, OF_CLOUD, LeakyCloud, volume_id
from tests.e2e.stack import ROOT, Stack
from tests.waiting import until

SIGN_IN = "signin-Canary-3306"
WRONG = "wrongpw-Canary-9127"
HEADER = "headers-Canary-2280"
TRACKER = "trackers-Canary-6643"
SESSIONS_KEY = "sessionskey-Canary-1914-" + "x" * 40
DATABASE = "database-Canary-2817"
PEOPLE = f"""
import uuid
from django.contrib.auth.models import Group, User
from django.utils import timezone
from snapshots.models import Volume
from snapshots.operations.asking import OperationArguments, ask_for_operation
alice = User.objects.create_user("alice", password="{SIGN_IN}")
alice.groups.add(Group.objects.get(name="helpdesk"))
for number in ("{volume_id(GOOD)}", "{volume_id(BAD)}"):
    volume = Volume.objects.create(cloud="ankara", volume_id=number, status="available",
                                   seen_at=timezone.now())
    arguments = OperationArguments(volume=volume)
    ask_for_operation(requester=alice, key=uuid.uuid4(), arguments=arguments)
"""


def clouds_yaml(folder, address, **auth):
    fields = {
        "auth_url": address,
        "username": "portal",
        "password": leaky_cloud.PASSWORD,
        "user_domain_name": "Default",
        "project_name": "demo",
    } | auth
    path = folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"ankara": {"region_name": "here", "auth": fields}}}))
    path.chmod(0o600)
    return path


@pytest.fixture
def folders(tmp_path):
    """What the operator writes, and what the portal writes."""
    for name in ("settings", "var"):
        (tmp_path / name).mkdir()
    return tmp_path / "settings", tmp_path / "var"


@pytest.fixture
def cloud():
    cloud = LeakyCloud()
    yield cloud
    cloud.close()


def unfinished_in(var):
    """Operations without an end, read beside the portal: a command of its own takes seconds."""
    path = next(var.glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT count(*) FROM snapshots_operation WHERE finished_at IS NULL"
        )
        return rows.fetchone()[0]


@contextlib.contextmanager
def running(stack, *args):
    stack.start(*args, ready="/healthz")
    try:
        yield
    finally:
        stack.stop()


def visit(stack):
    """A mistake at the sign-in, then a sign-in, and pages that are none, secrets sent along."""
    jar = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(jar)
    browser.addheaders = [("Authorization", f"Bearer {HEADER}"), ("X-Auth-Token", HEADER)]
    page = browser.open(f"{stack.url}/accounts/login/", timeout=10).read().decode()
    said = page
    for password in (WRONG, SIGN_IN):
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"username": "alice", "password": password, "csrfmiddlewaretoken": token}
        body = urllib.parse.urlencode(fields).encode()
        page = browser.open(f"{stack.url}/accounts/login/", body, timeout=10).read().decode()
        said += page
    assert "Sign out" in page
    browser.addheaders += [("Cookie", f"tracker={TRACKER}")]
    for path in ("/nowhere/", "/audit/%00/", "/snapshots/new/"):
        body = urllib.parse.urlencode({"name": SIGN_IN}).encode()
        for sent in (None, body):
            with contextlib.suppress(urllib.error.HTTPError):
                browser.open(f"{stack.url}{path}", sent, timeout=10)
    return said


@pytest.mark.timeout(300)  # five starts of Python with Django, on a busy machine
def test_a_running_portal_tells_no_secret_and_keeps_none(folders, cloud, prepare_database):
    written, var = folders
    prepare_database(var / "portal.sqlite3")
    key = written / "audit.key"
    stack = Stack(
        var,
        EVSPORTAL_MODE="cloud",
        EVSPORTAL_CLOUDS=str(clouds_yaml(written, cloud.url)),
        EVSPORTAL_SECRET_KEY=SESSIONS_KEY,
        EVSPORTAL_ACCESS_LOG="true",
        EVSPORTAL_WATCH_SECONDS="0.2",
    )
    stack.manage("audit_keygen", str(key))
    stack.environ["EVSPORTAL_AUDIT_KEY_FILE"] = str(key)
    stack.manage("shell", "-v", "0", "-c", PEOPLE)
    with running(stack):
        pages = visit(stack)
        until(lambda: unfinished_in(var) == 0, seconds=60)
        stack.manage("audit_export", "--to", str(var / "export"), "--csv")
    key_lines = [
        line for line in key.read_text().splitlines() if len(line) > 30 and "-" not in line
    ]
    secrets = [*OF_CLOUD, SIGN_IN, WRONG, HEADER, TRACKER, SESSIONS_KEY, *key_lines]
    assert key_lines
    assert "POST /accounts/login/" in stack.log()
    assert [secret for secret in secrets if secret in pages + stack.log()] == []
    files = [path for path in var.rglob("*") if path.is_file() and "static" not in path.parts]
    assert {".sqlite3", ".jsonl", ".csv"} <= {path.suffix for path in files}
    for path in files:
        content = path.read_bytes()
        assert [planted for planted in secrets if planted.encode() in content] == [], path.name


def _refused(var, **settings):
    """What a start that cannot succeed says."""
    environ = {name: text for name, text in os.environ.items() if "EVSPORTAL" not in name}
    environ |= {"DJANGO_SETTINGS_MODULE": "evsportal.settings", "EVSPORTAL_VAR": str(var)}
    environ |= {"EVSPORTAL_MODE": "sandbox", **settings}
    said = ""
    for command in (["check", "--deploy"], ["migrate"], ["worker"], ["audit_keygen", "--public"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said += done.stdout + done.stderr
        if done.returncode:
            return said
    raise AssertionError(f"Nothing was refused:\n{said}")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://portal:{DATABASE}@127.0.0.1:1/evsportal",
        f"postgers://portal:{DATABASE}@127.0.0.1/evsportal",
        f"postgresql://portal:{DATABASE}@127.0.0.1:port/evsportal",
        f"portal:{DATABASE}@127.0.0.1",
        f"postgresql://portal:{DATABASE}@[127.0.0.1/evsportal",
    ],
    ids=["away", "misspelt", "port", "no scheme", "bracket"],
)
def test_failed_database_start_shows_no_password(url, folders):
    assert DATABASE not in _refused(folders[1], DATABASE_URL=url)


@pytest.mark.parametrize("name", ["EVSPORTAL_AUDIT_KEY", "EVSPORTAL_AUDIT_KEY_FILE"])
def test_failed_audit_key_start_shows_no_key(name, folders):
    key = "-----BEGIN PRIVATE KEY-----\nauditkey-Canary-9914\n-----END PRIVATE KEY-----"
    path = folders[0] / "audit.key"
    path.write_text(key)
    path.chmod(0o600)
    said = _refused(folders[1], **{name: str(path) if name.endswith("_FILE") else key})
    assert "auditkey" not in said


@pytest.mark.parametrize(
    "text",
    [
        'clouds: {{ankara: {{auth: {{password: "{secret}"',
        'clouds: {{ankara: {{auth: {{auth_url: "ftp://x", username: a, password: "{secret}"}}}}}}',
        "clouds: {{ankara: {{auth: {{password: {{a: {secret}}}}}}}}}",
        "clouds: [{secret}]",
        "{secret}",
    ],
    ids=range(5),
)
def test_failed_clouds_start_shows_no_password(text, folders):
    path = folders[0] / "clouds.yaml"
    path.write_text(text.format(secret="clouds-Canary-5510"))
    path.chmod(0o600)
    said = _refused(folders[1], EVSPORTAL_MODE="cloud", EVSPORTAL_CLOUDS=str(path))
    assert "clouds-Canary" not in said
