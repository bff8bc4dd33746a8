"""Secrets planted in every place, and the whole portal searched for them afterwards."""

import io
import json
import logging
import uuid
import zipfile

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from snapshots import clouds
from snapshots.models import Action, Anomaly, Answer, Exchange, Operation, OperationState, Purpose
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.worker import Loop
from tests import factories as scene
from tests.audit import leaky_cloud
from tests.audit.every_table import rows_with
from tests.audit.leaky_cloud import BAD, BROKEN, GOOD, OF_CLOUD, LeakyCloud, volume_id

SIGN_IN = "signin-Canary-3306"
WRONG = "wrongpw-Canary-9127"
CHANGED = "changed-Canary-7712!"
HEADER = "headers-Canary-2280"
TRACKER = "trackers-Canary-6643"
TYPED = "secret=typed-Canary-4419"
OF_PEOPLE = [SIGN_IN, WRONG, CHANGED, HEADER, TRACKER, "typed-Canary-4419"]
EVERYTHING = [*OF_CLOUD, *OF_PEOPLE]


def leaks_in(text):
    """Named, so that a failing test does not print a page."""
    return [secret for secret in EVERYTHING if secret in text]


@pytest.fixture
def cloud(tmp_path, settings):
    """Two clouds in `clouds.yaml`, one by password and one by access key, both at one address."""
    cloud = LeakyCloud()
    quoted = json.dumps(leaky_cloud.PASSWORD)
    path = tmp_path / "clouds.yaml"
    path.write_text(
        f"""
clouds:
  by-password:
    region_name: here
    auth: {{auth_url: "{cloud.url}", username: portal, password: {quoted},
            user_domain_name: Default, project_name: demo}}
  by-key:
    auth_type: aksk
    auth: {{access_key: {leaky_cloud.ACCESS_KEY}, secret_key: {leaky_cloud.SECRET_KEY},
            security_token: {leaky_cloud.SECURITY_TOKEN}, project_id: p1}}
    evs: {{endpoint: "{cloud.url}"}}
"""
    )
    path.chmod(0o600)
    settings.EVSPORTAL_MODE = "cloud"
    settings.EVSPORTAL_CLOUDS = str(path)
    settings.EVSPORTAL_SETTLE_SECONDS = 1
    clouds.forget()
    yield cloud
    clouds.forget()
    cloud.close()


@pytest.fixture
def log():
    """Everything that any logger says, from the lowest level on, as the log's form writes it."""
    wire = logging.getLogger("urllib3")  # which the settings keep from saying all
    levels = {logger: logger.level for logger in (logging.getLogger(), wire)}
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_info)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    yield said
    for logger, level in levels.items():
        logger.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def people(transactional_db):
    alice = User.objects.create_user("alice", password=SIGN_IN)
    alice.groups.add(Group.objects.get_or_create(name="helpdesk")[0])
    scene.person("audrey")
    return alice


@pytest.fixture
def worked(people, cloud, log):
    """The worker has met everything that the cloud has to say."""
    for name in ("by-password", "by-key"):
        for kind in (GOOD, BAD, BROKEN):
            facts = {"cloud": name, "volume_id": volume_id(kind)}
            volume = scene.volume(f"{name}-{kind}", **facts)
            wanted = OperationArguments(volume=volume, name="n")
            ask_for_operation(requester=people, key=uuid.uuid4(), arguments=wanted)
    loop = Loop()
    loop._enlist()
    loop.run_until_idle()
    loop.stop()
    loop._pool.shutdown(wait=True)


@pytest.fixture
def browser(people):
    """Alice signs in, after a mistake, with a browser that sends secrets of its own along."""
    browser = Client(headers={"authorization": f"Bearer {HEADER}"}, raise_request_exception=False)
    browser.cookies["tracker"] = TRACKER
    sign_in = "/accounts/login/"
    pages = [browser.post(sign_in, {"username": "alice", "password": WRONG})]
    pages += [browser.post(sign_in, {"username": "alice", "password": SIGN_IN})]
    details = {"old_password": WRONG, "new_password1": CHANGED, "new_password2": CHANGED}
    pages += [browser.post("/accounts/password/", details)]
    pages += [browser.post("/accounts/password/", details | {"old_password": SIGN_IN})]
    assert browser.login(username="alice", password=CHANGED)
    browser.pages = pages
    return browser


def test_the_cloud_was_met_and_told_its_secrets(worked, cloud):
    """Else the other tests would prove nothing."""
    met = set(Exchange.objects.values_list("cloud", "purpose"))
    assert {("by-password", Purpose.LOGIN), ("by-password", Purpose.INVENTORY)} <= met
    assert {("by-password", Purpose.CREATE), ("by-key", Purpose.CREATE)} <= met
    assert Answer.objects.filter(status=202, body__contains="***").exists()
    assert Answer.objects.filter(status=400, body__contains="***").exists()
    assert Answer.objects.filter(status=500, body__contains="***").exists()
    states = set(Operation.objects.values_list("state", flat=True))
    assert {OperationState.REFUSED, OperationState.SUCCEEDED} <= states
    assert any(leaky_cloud.PASSWORD in request.body.decode() for request in cloud.logins) or any(
        json.dumps(leaky_cloud.PASSWORD)[1:-1] in request.body.decode() for request in cloud.logins
    )


def test_no_table_or_log_line_holds_a_secret(worked, browser, log):
    details = scene.fill_form(scene.volume(cloud="by-key"), name=TYPED)
    assert "looks like" in browser.post("/snapshots/new/", details).text
    assert rows_with(*EVERYTHING) == []
    assert leaks_in(log.getvalue()) == []
    assert len(log.getvalue()) > 100


def test_no_secret_is_on_any_page(worked, browser):
    audrey = Client()
    audrey.force_login(User.objects.get(username="audrey"))
    ids = [
        *Exchange.objects.values_list("id", flat=True),
        *Action.objects.values_list("id", flat=True),
        *Anomaly.objects.values_list("id", flat=True),
    ]
    addresses = [
        "/",
        "/volumes/",
        "/snapshots/new/",
        "/audit/",
        "/audit/?background=on",
        *[f"/requests/{row}/" for row in Operation.objects.values_list("pk", flat=True)],
        *[f"/audit/{row}/" for row in ids],
        *[f"/audit/{row}/?as={way}" for row in ids for way in ("httpie", "python")],
    ]
    seen = 0
    for address in addresses:
        for visitor in (audrey, browser):
            page = visitor.get(address, follow=True)
            seen += page.status_code == 200
            assert leaks_in(page.text + str(page.headers)) == [], address
    assert seen > len(addresses)


@pytest.mark.parametrize(
    "path",
    ["/nowhere/", "/audit/%00/", "/people/new/", "/audit/4f9e7a52-2c44-4d0f-9f0e-6b1f2a3c4d5e/"],
)
def test_pages_about_mistakes_show_no_secret(path, browser):
    page = browser.get(path)
    assert leaks_in(page.text + str(page.headers)) == []
    assert [leaks_in(row.text) for row in browser.pages] == [[]] * len(browser.pages)


def test_portal_errors_show_no_secret(browser, log, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("snapshots.views.operations._list_context", fail)
    page = browser.get("/requests/")
    assert page.status_code == 500
    details = {"old_password": CHANGED, "new_password1": SIGN_IN, "new_password2": SIGN_IN}
    monkeypatch.setattr("django.contrib.auth.forms.SetPasswordForm.save", fail)
    failed = browser.post("/accounts/password/", details)
    assert failed.status_code == 500
    assert "a fault of ours" in log.getvalue()
    assert leaks_in(page.text + failed.text + log.getvalue()) == []


def test_no_secret_is_in_an_export(worked, browser):
    audrey = Client()
    audrey.force_login(User.objects.get(username="audrey"))
    for query in ("", "&q=background:yes"):
        answer = audrey.get(f"/audit/export/?csv=1{query}")
        archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
        files = {name: archive.read(name).decode() for name in archive.namelist()}
        assert {"rows.jsonl", "seals.jsonl", "manifest.json"} < files.keys()
        assert "by-password" in files["rows.jsonl"]
        for name, text in files.items():
            assert leaks_in(text) == [], name
            # JSON spells letters and quotes in its own way.
            spelt = json.dumps(leaky_cloud.PASSWORD)[1:-1]
            assert spelt not in text, name


def test_a_token_can_be_followed_by_its_fingerprint(worked):
    """The token that a sign-in gave is seen to be the one that the create was sent with."""
    given = Answer.objects.filter(exchange__purpose=Purpose.LOGIN).first()
    sent = Exchange.objects.filter(purpose=Purpose.CREATE, cloud="by-password").first()
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert given.headers["x-subject-token"] == headers["x-auth-token"]
    assert headers["x-auth-token"].startswith("sha256:")
    signed = Exchange.objects.filter(purpose=Purpose.CREATE, cloud="by-key").first()
    marks = {name.lower(): value for name, value in signed.headers.items()}
    assert marks["authorization"].startswith("sha256:")
    assert len({headers["x-auth-token"], marks["authorization"], marks["x-security-token"]}) == 3
