"""The configured clouds: their settings, secrets and system checks."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from snapshots import clouds
from snapshots.checks import (
    PROXY_VARIABLES,
    check_clouds,
    check_lease,
    check_mode,
    check_proxy_variables,
    check_secret_key,
)

ROOT = Path(__file__).resolve().parents[1]

OPENSTACK = """
clouds:
  ankara:
    auth:
      auth_url: https://iam.example.com
      username: portal
      password: planted-password
      user_domain_name: account
      project_name: tr-1
    region_name: tr-1
    evs:
      endpoint: https://evs.example.com
      dialect: vendor-v2
      limits: chars-64-85
      calls_per_second: 2
"""
KEYS = """
clouds:
  keys:
    auth_type: aksk
    auth: {access_key: AK, secret_key_env: PLANTED_SK, project_id: p1}
    evs: {endpoint: "https://evs.example.com"}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="clouds.yaml", mode=0o600):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def test_a_file_of_openstack_clients_is_read(write):
    cloud = clouds.read_clouds(write(OPENSTACK))["ankara"]
    assert cloud.auth.auth_url == "https://iam.example.com/v3"
    assert (cloud.auth.username, cloud.auth.password) == ("portal", "planted-password")
    assert (cloud.endpoint, cloud.dialect, cloud.limits) == (
        "https://evs.example.com",
        "vendor-v2",
        "chars-64-85",
    )
    assert cloud.calls_per_second == 2
    assert "planted-password" not in repr(cloud)


def test_secure_yaml_beside_it_is_merged(write):
    path = write(OPENSTACK.replace("      password: planted-password\n", ""))
    write("clouds: {ankara: {auth: {password: from-secure}}}", "secure.yaml")
    assert clouds.read_clouds(path)["ankara"].auth.password == "from-secure"


def test_secret_may_stand_in_its_own_file(write):
    secret = write("from-file\n", "secret")
    path = write(OPENSTACK.replace("password: planted-password", f"password_file: {secret.name}"))
    assert clouds.read_clouds(path)["ankara"].auth.password == "from-file"


def test_access_keys_may_come_from_the_environment(write, monkeypatch):
    monkeypatch.setenv("PLANTED_SK", "sk")
    auth = clouds.read_clouds(write(KEYS))["keys"].auth
    assert (auth.access_key, auth.secret_key, auth.project_id) == ("AK", "sk", "p1")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("vendor-v2", "v9"), "native-v2"),
        (("chars-64-85", "many"), "bytes-255"),
        (("calls_per_second: 2", "calls_per_second: fast"), "calls_per_second"),
        (("username: portal", "user: portal"), "did you mean auth.username?"),
        (("user_domain_name: account", "x: y"), "user_domain_name"),
        (("project_name: tr-1", "x: y"), "project_id or project_name"),
        (("password: planted-password", "password_env: NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
        (("region_name: tr-1", "verify: false"), "always verified"),
        (("region_name: tr-1", "cacert: /nowhere/ca.pem"), "/nowhere/ca.pem"),
        (("https://evs.example.com", "evs.example.com"), "http"),
        (("auth:", "auth: ["), "YAML"),
        (("clouds:", "others:"), "clouds"),
        (("    region_name: tr-1", "    auth_type: token"), "auth_type"),
    ],
)
def test_a_wrong_entry_is_named_without_its_secrets(write, change, problem):
    with pytest.raises(ImproperlyConfigured) as caught:
        clouds.read_clouds(write(OPENSTACK.replace(*change)))
    assert problem in str(caught.value)
    assert "planted-password" not in str(caught.value)


@pytest.fixture
def real(settings):
    settings.EVSPORTAL_MODE = "cloud"
    settings.EVSPORTAL_CLOUDS = ""
    clouds.forget()
    yield settings
    clouds.forget()


def test_without_a_mode_the_portal_does_not_start(real):
    real.EVSPORTAL_MODE = ""
    assert [error.id for error in check_mode()] == ["evsportal.E001"]


def test_each_mistake_in_the_file_is_reported(real, write):
    text = OPENSTACK.replace("tr-1", "12").replace("username: portal", "username: yes")
    path = real.EVSPORTAL_CLOUDS = str(write(text))
    errors = check_clouds()
    assert {error.id for error in errors} == {"evsportal.E002"}
    assert [error.msg.split("; ")[0] for error in errors] == [
        f"{path}, line 6: cloud 'ankara': auth.username is read by YAML as true or false",
        f"{path}, line 9: cloud 'ankara': auth.project_name is read by YAML as a number",
        f"{path}, line 10: cloud 'ankara': region_name is read by YAML as a number",
    ]


@pytest.mark.parametrize("name", PROXY_VARIABLES)
def test_proxy_variable_of_the_environment_is_warned_about(real, write, monkeypatch, name):
    real.EVSPORTAL_CLOUDS = str(write(OPENSTACK))
    for other in PROXY_VARIABLES:
        monkeypatch.delenv(other, raising=False)
    assert check_proxy_variables() == []
    monkeypatch.setenv(name, "http://user:planted@proxy.example.com:3128")
    (warning,) = check_proxy_variables()
    assert warning.id == "evsportal.W011"
    assert warning.msg == f"{name} is set, and not used to reach ankara."
    with_proxy = OPENSTACK.replace("    evs:\n", "    evs:\n      proxy: http://p.example.com:1\n")
    write(with_proxy)
    clouds.forget()
    assert check_proxy_variables() == []


SIGN_INS = {
    "password": "password: planted-one",
    "v3applicationcredential": (
        "application_credential_id: a1, application_credential_secret: planted-one"
    ),
    "v3token": "token: planted-one, project_id: p1",
}


@pytest.mark.parametrize("kind", SIGN_INS)
def test_all_kinds_of_secrets_are_struck_out(real, write, kind):
    user = "username: u, user_domain_id: d, project_id: p1, " if kind == "password" else ""
    auth = f"auth_url: 'https://iam.example.com', {user}{SIGN_INS[kind]}"
    proxy = "{url: 'http://p.example.com:1', username: pat, password: planted-two}"
    entry = f"{{auth_type: {kind}, auth: {{{auth}}}, evs: {{proxy: {proxy}}}}}"
    real.EVSPORTAL_CLOUDS = str(write(f"clouds: {{ankara: {entry}}}"))
    assert clouds.secrets_of("ankara") == ("planted-one", "planted-two", "pat:planted-two")
    details = clouds.settings_of("ankara")
    assert (details["proxy"], details["user at the proxy"]) == ("http://p.example.com:1", "pat")
    assert "planted" not in str(details)


def test_the_trail_tells_each_setting_that_is_not_usual(real, write):
    secret = write((ROOT / "tests/evs/loopback.pem").read_text(), "pair.pem")
    text = OPENSTACK.replace(
        "    evs:\n      endpoint: https://evs.example.com\n",
        f"""
    interface: internal
    cacert: {secret}
    cert: {secret}
    evs:
      allow_http: true
""",
    )
    real.EVSPORTAL_CLOUDS = str(write(text))
    details = clouds.settings_of("ankara")
    assert details["interface"] == "internal"
    assert details["certificates"] == details["client certificate"] == str(secret)
    assert details["plain http"] == "allowed"


def test_real_mode_needs_clouds_and_its_own_key(real, write):
    assert [error.id for error in check_clouds()] == ["evsportal.E002"]
    real.SECRET_KEY = "not-for-production"
    assert [error.id for error in check_secret_key()] == ["evsportal.E003"]
    real.EVSPORTAL_CLOUDS = str(write(OPENSTACK))
    real.SECRET_KEY = "x" * 50
    clouds.forget()
    assert check_clouds() + check_secret_key() + check_mode() == []


def test_missing_settings_never_fall_back_to_the_sandbox(real):
    with pytest.raises(ImproperlyConfigured):
        clouds.cloud_names()


def test_a_lease_shorter_than_an_exchange_is_refused(settings):
    settings.EVSPORTAL_LEASE_SECONDS = settings.EVSPORTAL_DEADLINE_SECONDS
    assert [error.id for error in check_lease()] == ["evsportal.E004"]
