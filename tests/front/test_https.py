"""With EVSPORTAL_HTTPS: no page without TLS, cookies of this very host, no advice of Django's."""

import os
import re
import subprocess
import sys

import pytest
import requests

from snapshots.checks import check_trusted_proxies
from tests.audit.portal_process import ROOT, environ
from tests.front.conftest import HOST

THROUGH_TLS = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": HOST,
    "Referer": f"https://{HOST}/",
}
LOGIN = "/accounts/login/"
YEAR = 31_536_000
CLOUDS = """
clouds:
  ankara:
    auth: {auth_url: "https://iam.example.com/v3", username: portal, password: planted,
           user_domain_name: d, project_name: p}
    region_name: r
"""


@pytest.fixture
def visitor():
    """Somebody behind the proxy. Cookies are sent by hand, since the wire here is http."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update(THROUGH_TLS)
    return session


def cookies_of(answer):
    """Each cookie's name, value and attributes."""
    lines = answer.raw.headers.getlist("Set-Cookie")
    parsed = (re.match(r"\s*([^=]+)=([^;]*); (.*)", line).groups() for line in lines)
    return {name: (value, set(rest.split("; "))) for name, value, rest in parsed}


def assert_bound_to_host(cookies, names):
    assert set(cookies) == {f"__Host-{name}" for name in names}
    for _value, attributes in cookies.values():
        assert attributes >= {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
        assert not any(attribute.startswith("Domain") for attribute in attributes)


def sign_in(portal, visitor):
    page = visitor.get(portal.url + LOGIN, timeout=20)
    (token, _attributes) = cookies_of(page)["__Host-csrftoken"]
    form = {"username": "alice", "password": "demo", "csrfmiddlewaretoken": token}
    visitor.headers["Cookie"] = f"__Host-csrftoken={token}"
    return visitor.post(portal.url + LOGIN, form, allow_redirects=False, timeout=60)


def test_cookies_belong_to_this_very_host(portal, visitor):
    assert_bound_to_host(cookies_of(visitor.get(portal.url + LOGIN, timeout=20)), ["csrftoken"])
    signed_in = sign_in(portal, visitor)
    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
    assert_bound_to_host(cookies_of(signed_in), ["csrftoken", "sessionid", "evsportal_device"])
    session, _attributes = cookies_of(signed_in)["__Host-sessionid"]
    visitor.headers["Cookie"] = f"__Host-sessionid={session}"
    columns = visitor.get(f"{portal.url}/snapshots/?columns=name", timeout=20)
    assert_bound_to_host(cookies_of(columns), ["csrftoken", "snapshot_columns"])


def test_session_under_the_plain_name_opens_nothing(portal, visitor):
    session, _attributes = cookies_of(sign_in(portal, visitor))["__Host-sessionid"]
    visitor.headers["Cookie"] = f"sessionid={session}"
    answer = visitor.get(f"{portal.url}/volumes/", allow_redirects=False, timeout=20)
    assert answer.headers["Location"].startswith(LOGIN)


def test_message_is_in_a_cookie_of_this_host(portal, visitor):
    page = visitor.get(portal.url + LOGIN, timeout=20)
    token, _attributes = cookies_of(page)["__Host-csrftoken"]
    sessions = f"__Host-csrftoken={token}; messages=forged"
    answer = visitor.get(f"{portal.url}{LOGIN}", headers={"Cookie": sessions}, timeout=20)
    assert "forged" not in answer.text
    assert "messages" not in cookies_of(answer)


def test_browser_is_told_to_use_tls_for_a_year(portal, visitor):
    for path in (LOGIN, "/no-such-page/", "/static/css/portal.css"):
        answer = visitor.get(portal.url + path, timeout=20)
        policy = answer.headers["Strict-Transport-Security"]
        assert policy == f"max-age={YEAR}; includeSubDomains"


@pytest.mark.parametrize("path", [LOGIN, "/static/css/portal.css", "/snapshots/?q=a&columns=name"])
def test_page_without_tls_is_redirected(portal, path):
    for headers in ({"Host": HOST}, {"Host": HOST, "X-Forwarded-Proto": "http"}):
        answer = requests.get(portal.url + path, headers=headers, allow_redirects=False, timeout=20)
        assert answer.status_code == 301
        assert answer.headers["Location"] == f"https://{HOST}{path}"
        assert "Set-Cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probe_needs_no_tls(portal, path):
    answer = requests.get(portal.url + path, allow_redirects=False, timeout=20)
    assert answer.status_code in {200, 302, 401, 403, 404, 503}
    assert not answer.headers.get("Location", "").startswith("https:")


def test_redirect_leads_to_no_other_host(portal):
    answer = requests.get(
        portal.url + LOGIN, headers={"Host": "evil.example"}, allow_redirects=False, timeout=20
    )
    assert answer.status_code == 400


def test_access_log_names_client_and_request(portal, visitor):
    path = f"{LOGIN}?from=access-log"
    headers = {"X-Forwarded-For": "203.0.113.9", "Accept-Encoding": "identity"}
    answer = visitor.get(portal.url + path, headers=headers, timeout=20)
    line = portal.line_of(path)
    assert line.startswith("203.0.113.9 ")
    assert f'"GET {path} HTTP/1.1" 200 {len(answer.content)} ' in line
    assert f"request={answer.headers['X-Request-ID']}" in line


def test_access_log_cannot_be_forged(portal, visitor):
    agent = "\x9b2K\x85forged"  # what else moves a cursor or ends a line is no header at all
    visitor.get(portal.url + LOGIN, headers={"User-Agent": agent.encode("latin-1")}, timeout=20)
    line = portal.line_of("forged")
    assert line.isprintable()
    assert "request=" in line


# --- before the start ------------------------------------------------------------------------


def check(tmp_path, **more):
    clouds = tmp_path / "clouds.yaml"
    clouds.touch(mode=0o600)
    clouds.write_text(CLOUDS)
    var = tmp_path / "var"
    var.mkdir(mode=0o700)
    values = {
        "DATABASE_URL": "",
        "EVSPORTAL_MODE": "cloud",
        "EVSPORTAL_CLOUDS": str(clouds),
        "EVSPORTAL_HTTPS": "true",
        "EVSPORTAL_HOSTS": HOST,
        "EVSPORTAL_TRUSTED_PROXIES": "127.0.0.1",
        "EVSPORTAL_SECRET_KEY": "qF8vJx2mN7rT4wZ9bC1dH6kL3pS5yA0eG8uI2oX4vB7n_Y-5tQ1",
        "EVSPORTAL_AUDIT_KEY": "",
        "EVSPORTAL_VAR": str(var),
    }
    if "PYTHONPATH" in os.environ:
        values["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env=environ(**values | more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_django_has_no_advice_in_production(db, tmp_path):
    done = check(tmp_path)
    assert done.stderr == ""
    assert done.stdout == "System check identified no issues (1 silenced).\n"


def test_without_tls_django_has_advice(db, tmp_path):
    done = check(tmp_path, EVSPORTAL_HTTPS="false")
    assert "security.W008" in done.stderr


def test_tls_without_its_proxy_stops_the_start(settings):
    settings.SECURE_SSL_REDIRECT = True
    assert [error.id for error in check_trusted_proxies()] == ["evsportal.E040"]
    settings.EVSPORTAL_TRUSTED_PROXIES = ["192.0.2.1"]
    assert check_trusted_proxies() == []
