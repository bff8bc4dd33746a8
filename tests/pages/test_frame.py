"""What stands around every page: banners, headers, health, error pages."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.models import CloudHealth, Operation, Worker
from tests import factories as scene

# --- banners and navigation ------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/volumes/", "/snapshots/new/", "/accounts/login/"])
def test_the_sandbox_says_so_on_every_page(path, alice, client):
    browser = client if "login" in path else alice
    assert "A simulated cloud" in browser.get(path).text


def test_the_sandbox_says_so_on_error_pages(client):
    assert "A simulated cloud" in client.get("/nowhere/").text


def test_a_real_cloud_has_no_sandbox_banner(audrey, settings):
    settings.EVSPORTAL_MODE = "cloud"
    assert "A simulated cloud" not in audrey.get("/").text


def test_a_silent_worker_is_told(alice):
    assert "The worker is not running" not in alice.get("/").text
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    page = alice.get("/").text
    assert "The worker is not running" in page
    assert "5 minutes ago" in page


def test_a_cloud_in_trouble_is_told(alice):
    since = timezone.now() - timedelta(minutes=3)
    CloudHealth.objects.update(failing_since=since, trouble_code="sign_in_refused")
    page = alice.get("/").text
    assert f'since <time datetime="{since:%Y-%m-%d}' in page
    assert "it does not accept the portal" in page


def test_a_hanging_cloud_is_told(alice):
    CloudHealth.objects.update(answered_at=timezone.now() - timedelta(minutes=5))
    since = timezone.now() - timedelta(seconds=31)
    scene.exchange(at=since, status=-1)
    page = alice.get("/").text
    assert "The cloud sandbox has not answered since" in page
    assert f'since <time datetime="{since:%Y-%m-%dT%H:%M}' in page


@pytest.mark.parametrize(
    ("who", "places"),
    [
        ("alice", ["Home", "Requests", "Snapshots", "Volumes"]),
        ("helen", ["Home", "Requests", "Snapshots", "Volumes"]),
        ("audrey", ["Home", "Requests", "Snapshots", "Volumes", "Audit"]),
        ("root", ["Home", "Requests", "Snapshots", "Volumes", "Administration"]),
        ("nobody", []),
    ],
)
def test_navigation_by_role(who, places, request):
    page = request.getfixturevalue(who).get("/").text
    nav = page.partition('<nav class="places"')[2].partition("</nav>")[0]
    assert [
        words
        for words in ("Home", "Requests", "Snapshots", "Volumes", "Audit", "Administration")
        if f">{words}</a>" in nav
    ] == places


@pytest.mark.parametrize(
    ("path", "place", "current"),
    [
        ("/requests/", "Requests", "page"),
        ("/snapshots/", "Snapshots", "page"),
        ("/snapshots/sandbox/none/", "Snapshots", "true"),
        ("/volumes/sandbox/none/", "Volumes", "true"),
        ("/people/", "Administration", "page"),
        ("/grants/new/", "Administration", "true"),
    ],
)
def test_the_place_of_a_page_is_marked(path, place, current, root):
    made = scene.foreign_snapshot(scene.volume(volume_id="none"), snapshot_id="none")
    nav = root.get(path).text.partition('<nav class="places"')[2].partition("</nav>")[0]
    assert made.pk
    assert re.findall('aria-current="(.*?)">(.*?)<', nav) == [(current, place)]


def test_the_page_can_be_skipped_into(alice):
    page = alice.get("/").text
    assert '<html lang="en-gb"' in page
    assert '<a class="skip" href="#main">' in page


# --- headers ---------------------------------------------------------------------------------


def test_strict_rules_for_the_browser(alice):
    headers = alice.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in headers["Cache-Control"]
    assert "camera=()" in headers["Permissions-Policy"]


def test_nothing_inline_in_any_page(alice, audrey, operation):
    record = scene.exchange(operation)
    pages = [alice.get(path).text for path in ("/", "/volumes/", "/snapshots/new/")]
    pages += [
        alice.get(f"/requests/{operation.pk}/").text,
        audrey.get(f"/audit/{record.id}/").text,
    ]
    for page in pages:
        for inline in (" style=", "<style", "onclick", "hx-on", "javascript:"):
            assert inline not in page
        assert page.count("<script") == page.count("<script src=")


# --- health ----------------------------------------------------------------------------------


def test_healthz_asks_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"alive": True}


def test_readyz(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    checks = {"database": "ok", "migrations": "ok"}
    assert answer.json() == {"ready": True, "checks": checks, "worker": "ok"}


def test_readyz_without_worker_stays_ready_and_says_so(client):
    Worker.objects.all().delete()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["worker"] == "not seen for a while"


def test_readyz_looks_once_a_second_and_changes_nothing(client, django_assert_num_queries):
    with CaptureQueriesContext(connection) as queries:
        client.get("/readyz")
    assert {query["sql"].split()[0] for query in queries} <= {"SELECT", "PRAGMA"}
    with django_assert_num_queries(0):
        client.get("/readyz")


def test_readyz_names_missing_migrations(client):
    MigrationRecorder.Migration.objects.filter(app="snapshots").delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"].startswith("missing: snapshots.")


def test_readyz_without_database(client, monkeypatch):
    def gone(*_args):
        raise OperationalError("no such host")

    monkeypatch.setattr("snapshots.views.health.missing_migrations", gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "does not answer"}


# --- when something is wrong -----------------------------------------------------------------


def test_an_unknown_address(alice):
    answer = alice.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_form_without_its_token_is_explained(alice, volume):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    answer = strict.post("/snapshots/new/", scene.fill_form(volume))
    assert answer.status_code == 403
    assert "Please send it again" in answer.text
    assert "Nothing was asked of the cloud" in answer.text


@pytest.mark.parametrize(
    ("referer", "link"),
    [
        ("http://testserver/volumes/?q=web", "/volumes/?q=web"),
        ("http://testserver//example.org/", "/"),
        ("http://example.org/volumes/", "/"),
        ("http://[", "/"),
        ("", "/"),
    ],
)
def test_form_without_token_returns_to_its_page(alice, referer, link):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/logout/", headers={"Referer": referer})
    assert f'href="{link}">Open the page again' in answer.text


def test_an_address_for_buttons_only_has_a_page(alice, operation):
    for path in ("/accounts/logout/", f"/requests/{operation.pk}/cancel/"):
        answer = alice.get(path)
        assert answer.status_code == 405
        assert answer.headers["Allow"]
        assert "It only accepts forms" in answer.text


@pytest.mark.parametrize("path", ["/people/?q=a%00b", "/?q=%00", "/%00/"])
def test_a_nul_in_the_address_is_refused(root, path):
    answer = root.get(path)
    assert answer.status_code == 400
    assert "did not understand this request" in answer.text


def test_error_page_shows_no_traceback(alice, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("snapshots.selectors.operations.operations_page", broken)
    alice.raise_request_exception = False
    answer = alice.get("/")
    assert answer.status_code == 500
    assert "Something broke in the portal" in answer.text
    assert "secret detail" not in answer.text


def test_database_outage_is_shown_on_reading_too(alice, monkeypatch):
    def gone(*_args, **_kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr("snapshots.selectors.operations.operations_page", gone)
    answer = alice.get("/")
    assert answer.status_code == 503
    assert "Requests that were recorded earlier are safe" in answer.text


@pytest.fixture
def read_only(transactional_db):
    """A database that reads well and takes no change, for real. Ask for it last."""
    switch = {"sqlite": "PRAGMA query_only", "postgresql": "SET default_transaction_read_only"}
    _execute(f"{switch[connection.vendor]} = ON")
    yield
    _execute(f"{switch[connection.vendor]} = OFF")


def _execute(command):
    with connection.cursor() as cursor:
        cursor.execute(command)


def test_a_read_only_database_is_told(alice, volume, read_only):
    assert alice.get("/").status_code == 200
    answer = scene.ask(alice, volume)
    assert answer.status_code == 503
    assert "nothing was sent to the cloud" in answer.text
    assert answer.headers["Retry-After"]
    assert not Operation.objects.exists()


@pytest.fixture
def deniz(transactional_db):
    return User.objects.create_user("deniz", password="demo")


def test_signing_in_at_a_read_only_database_is_told(client, deniz, read_only):
    answer = client.post("/accounts/login/", {"username": "deniz", "password": "demo"})
    assert answer.status_code == 503


def test_read_only_database_still_signs_out(alice, read_only):
    answer = alice.post("/accounts/logout/", follow=True)
    assert answer.status_code == 200
    assert "You are signed out in this browser." in answer.text
    assert alice.get("/").status_code == 302


def test_readyz_at_a_read_only_database(client, read_only):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "takes no changes"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no roles")
def test_a_database_role_without_rights_is_told(alice, transactional_db):
    alice.raise_request_exception = False  # the page is what people get
    _execute("SET ROLE pg_monitor")
    try:
        assert alice.get("/").status_code == 503
    finally:
        _execute("RESET ROLE")


def test_error_pages_ask_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/nowhere/")
