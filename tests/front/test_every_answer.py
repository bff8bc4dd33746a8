"""Pages, errors, redirects and static files send the headers that `assert_rules` names: the
Content-Security-Policy, Permissions-Policy, Referrer-Policy, the Cross-Origin ones, X-Request-ID.
"""

import re
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.core.management import call_command
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from django.urls import URLResolver, get_resolver

from snapshots.sign_in.errors import TryLaterError
from snapshots.templatetags import once
from tests import factories as scene

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
EQUAL = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FEATURES = {"camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"}
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1"}


def assert_rules(answer):
    headers = answer.headers
    directives = (part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert dict(directives) == POLICY
    assert {name: headers.get(name) for name in EQUAL} == EQUAL
    assert set(headers["Permissions-Policy"].split(", ")) >= FEATURES
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["X-Request-ID"]


def assert_page(answer):
    if answer.status_code == 204:  # nothing that a browser could show, run or frame
        assert answer.content == b""
    else:
        assert_rules(answer)
    assert "no-store" in answer.headers["Cache-Control"]


def browser(name=""):
    client = Client(raise_request_exception=False)
    if name:
        client.force_login(scene.person(name))
    return client


# --- pages -----------------------------------------------------------------------------------


def addresses(resolver=None, prefix=""):
    """An address for every route; what it names exists nowhere."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + re.sub(r"\(\?P<\w+>\.\*\)\$", "nowhere", str(pattern.pattern)).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda name: SAMPLES.get(name[1], "x"), route)


def answers(visitor, *methods):
    for address in sorted(set(addresses())):
        for method in methods:
            yield getattr(visitor, method)(address)


def test_every_route_sends_the_rules_to_strangers(db):
    statuses = set()
    for answer in answers(browser(), "get", "post", "head", "options", "delete"):
        assert_page(answer)
        statuses.add(answer.status_code)
    assert statuses >= {200, 302, 405}


@pytest.mark.parametrize("person", ["alice", "helen", "audrey", "root"])
def test_every_route_sends_the_rules(db, person):
    scene.healthy_portal()
    visitor = browser(person)
    for answer in answers(visitor, "get", "post"):
        assert_page(answer)
        if "_auth_user_id" not in visitor.session:
            visitor.force_login(User.objects.get(username=person))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest(), 400),
        (PermissionDenied(), 403),
        (Http404(), 404),
        (RequestDataTooBig(), 413),
        (TryLaterError(9), 429),
        (RuntimeError(), 500),
        (OperationalError(), 503),
    ],
    ids=str,
)
def test_error_sends_the_rules(db, monkeypatch, error, status):
    scene.healthy_portal()
    alice = browser("alice")

    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("snapshots.selectors.operations.operations_page", fail)
    answer = alice.get("/")
    assert answer.status_code == status
    assert_page(answer)


@pytest.mark.parametrize("middleware", ["request_ids", "browser_rules"])
def test_only_the_first_middlewares_stand_before(settings, middleware):
    """What stands before them could answer by itself, and would send no rules."""
    assert settings.MIDDLEWARE.index(f"snapshots.middleware.{middleware}") <= 2


@pytest.mark.parametrize("address", ["/%00/", "/no-such-page/", "/accounts/login", "/static/x.css"])
def test_what_no_view_answers_sends_the_rules(db, address):
    assert_page(browser().get(address))


def test_unknown_host_gets_the_rules(db, settings):
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    answer = browser().get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert_page(answer)


def test_redirect_to_https_sends_the_rules(db, settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = browser().get("/volumes/?q=a")
    assert (answer.status_code, answer.url) == (301, "https://testserver/volumes/?q=a")
    assert_page(answer)


def test_form_without_token_gets_the_rules(db):
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "alice"})
    assert answer.status_code == 403
    assert_page(answer)


# --- signing out -----------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["", "alice"])
def test_sign_out_clears_what_the_browser_stored(db, person):
    answer = browser(person).post("/accounts/logout/")
    assert answer.status_code == 302
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert_page(answer)


def test_sign_out_forgets_the_session_and_no_more(db, client):
    scene.person("alice", password="demo")
    client.post("/accounts/login/", {"username": "alice", "password": "demo"})
    session = client.cookies["sessionid"].value
    client.post("/accounts/logout/")
    assert client.cookies["sessionid"].value != session
    assert client.cookies["evsportal_device"].value
    assert client.get("/accounts/login/").status_code == 200


# --- static files ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The static files as `./run` collects them."""
    return tmp_path_factory.mktemp("var") / "static"


@pytest.fixture
def static(collected, settings):
    """Their names, once they are served."""
    settings.STATIC_ROOT = collected
    storage = "evsportal.static_files.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": storage}}
    if not collected.exists():
        collected.mkdir()
        (collected / "staticfiles.json").write_text("{}")  # as an earlier release left it
        call_command("collectstatic", interactive=False, verbosity=0)
    once._rendered.clear()  # it holds addresses of static files
    yield [path.relative_to(collected) for path in collected.rglob("*") if path.is_file()]
    once._rendered.clear()


def samples(names):
    """A file of each kind, of those whose name has a hash and of those without."""
    kinds = {}
    for name in sorted(names):
        has_hash = re.search(r"\.[0-9a-f]{12}\.", name.name) is not None
        kinds.setdefault((name.suffix, has_hash), name)
    return kinds


def test_static_files_are_those_that_pages_ask_for(static, settings):
    folder = settings.BASE_DIR / "static"
    ours = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    plain = {re.sub(r"\.[0-9a-f]{12}\b", "", str(name)) for name in static}
    plain = {name for name in plain if not name.endswith((".gz", ".br"))}
    assert plain - ours == {"django_htmx/htmx-2.min.js", "django_htmx/django-htmx.js"}
    assert ours <= plain


@pytest.mark.parametrize("path", ["/accounts/login/", "/no-such-page/"])
def test_what_a_page_asks_for_is_there(static, db, path):
    """Error pages name files without a hash, since the list of names may be what failed."""
    page = browser().get(path).content.decode()
    asked = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert len(asked) >= 3
    for address in asked:
        answer = browser().get(address)
        assert (address, answer.status_code) == (address, 200)
        answer.close()


def test_every_kind_of_static_file_sends_the_rules(static, db):
    kinds = samples(static)
    assert {suffix for suffix, _has_hash in kinds} >= {".css", ".js", ".svg", ".gz"}
    for (suffix, has_hash), name in kinds.items():
        if suffix in {".gz", ".br"}:  # served under the name without it
            continue
        for options in ({}, {"Accept-Encoding": "gzip"}, {"Range": "bytes=0-9"}):
            answer = browser().get(f"/static/{name}", headers=options)
            assert answer.status_code == (206 if "Range" in options else 200)
            assert_rules(answer)
            if suffix in {".css", ".js", ".svg"}:
                assert "charset=" in answer.headers["Content-Type"]
            assert ("immutable" in answer.headers["Cache-Control"]) == has_hash
            answer.close()


def test_unchanged_static_file_sends_the_rules(static, db):
    first = browser().get("/static/css/portal.css")
    first.close()
    answer = browser().get("/static/css/portal.css", headers={"If-None-Match": first["ETag"]})
    assert answer.status_code == 304
    assert_rules(answer)


def test_list_of_static_files_is_not_served(static, collected, db):
    assert (collected.parent / "staticfiles.json").exists()
    assert Path("staticfiles.json") not in static
    for address in ("/static/staticfiles.json", "/static/", "/static/css/", "/static/../x"):
        answer = browser().get(address)
        assert answer.status_code == 404
        assert_page(answer)
