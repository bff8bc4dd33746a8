"""The login request of each type of credentials, and the cloud's answers to it."""

import json
from urllib.request import Request, urlopen

import pytest
from evs_loopback import PROJECT, Recording, Reply

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    KeyCredentials,
    PasswordCredentials,
    Proxy,
    TokenCredentials,
)
from snapshots.evs.connection import connect
from snapshots.evs.login import login_request, secrets_in
from snapshots.sandbox import SandboxOptions, SandboxServer, scenarios

URL = "https://iam.example/v3"
DOMAIN = {"user_domain_name": "Default"}


def body_of(credentials):
    return json.loads(login_request(credentials).body)["auth"]


def password(**given):
    return PasswordCredentials(auth_url=URL, password="s3cret-word", **given)


def application(**given):
    return ApplicationCredentials(auth_url=URL, secret="s3cret-word", **given)


def token(**given):
    return TokenCredentials(auth_url=URL, token="gAAAAAB-given", **given)


SECRET = {"secret": "s3cret-word"}
NAMED_USER = {"name": "ada", "domain": {"name": "Default"}}


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (password(username="ada", **DOMAIN, project_id="p"), NAMED_USER),
        (
            password(username="ada", user_domain_id="d", user_domain_name="D", project_id="p"),
            {"name": "ada", "domain": {"id": "d"}},
        ),
        (password(user_id="u", project_id="p"), {"id": "u"}),
        (password(user_id="u", username="ada", **DOMAIN, project_id="p"), {"id": "u"}),
    ],
)
def test_password_names_the_user_as_the_settings_do(credentials, user):
    auth = body_of(credentials)
    assert auth["identity"]["methods"] == ["password"]
    assert auth["identity"]["password"]["user"] == {**user, "password": "s3cret-word"}


@pytest.mark.parametrize(
    ("project", "scope"),
    [
        ({"project_id": "p", "project_name": "demo"}, {"id": "p"}),
        ({"project_name": "demo"}, {"name": "demo", "domain": {"name": "Default"}}),
        (
            {"project_name": "demo", "project_domain_name": "Other"},
            {"name": "demo", "domain": {"name": "Other"}},
        ),
        (
            {"project_name": "demo", "project_domain_id": "o", "project_domain_name": "Other"},
            {"name": "demo", "domain": {"id": "o"}},
        ),
    ],
)
def test_scope_names_the_project_as_the_settings_do(project, scope):
    assert body_of(password(username="ada", **DOMAIN, **project))["scope"] == {"project": scope}


def test_project_without_any_domain_gets_none():
    auth = body_of(password(user_id="u", project_name="demo"))
    assert auth["scope"] == {"project": {"name": "demo"}}


@pytest.mark.parametrize(
    ("credentials", "proof"),
    [
        (application(id="ac"), {"id": "ac", **SECRET}),
        (application(id="ac", name="portal"), {"id": "ac", **SECRET}),
        (
            application(name="portal", user_id="u"),
            {"name": "portal", **SECRET, "user": {"id": "u"}},
        ),
        (
            application(name="portal", username="ada", **DOMAIN),
            {"name": "portal", **SECRET, "user": NAMED_USER},
        ),
    ],
)
def test_application_credential_names_no_project(credentials, proof):
    assert body_of(credentials) == {
        "identity": {"methods": ["application_credential"], "application_credential": proof}
    }


def test_given_token_is_exchanged_for_the_project():
    assert body_of(token(project_name="demo", project_domain_id="d")) == {
        "identity": {"methods": ["token"], "token": {"id": "gAAAAAB-given"}},
        "scope": {"project": {"name": "demo", "domain": {"id": "d"}}},
    }


@pytest.mark.parametrize(
    ("credentials", "problem"),
    [
        (password(username="ada", **DOMAIN), "project"),
        (token(), "project"),
        (password(project_id="p"), "user"),
        (password(username="ada", project_id="p"), "user_domain"),
        (application(), "by its id, or by its name and user"),
        (application(name="portal"), "user"),
        (application(name="portal", username="ada"), "user_domain"),
        (ApplicationCredentials(auth_url="ftp://x", secret="s", id="ac"), "auth_url"),
    ],
)
def test_credentials_that_cannot_work_are_refused(credentials, problem):
    with pytest.raises(ValueError, match=f"Cloud fake: .*{problem}"):
        connect(CloudConfig(name="fake", auth=credentials))


@pytest.mark.parametrize(
    "auth",
    [
        password(username="ada", **DOMAIN, project_id="p"),
        application(id="ac"),
        token(project_id="p"),
        KeyCredentials(
            access_key="AKIA-key-id",
            secret_key="s3cret-word",
            project_id="p",
            security_token="gAAAAAB-given",
        ),
    ],
)
def test_every_secret_is_known_to_be_struck_out(auth):
    proxy = Proxy(url="http://proxy:3128", username="p-user", password="p-w0rd-x")
    config = CloudConfig(name="fake", auth=auth, endpoint="https://evs.example", proxy=proxy)
    assert "s3cret-word" not in repr(config)
    assert "gAAAAAB-given" not in repr(config)
    assert "p-w0rd-x" not in repr(config)
    secrets = secrets_in(config)
    assert connect(config).secrets == secrets
    for name in ("password", "secret", "token", "access_key", "secret_key", "security_token"):
        assert getattr(auth, name, None) in {None, *secrets}
    error = errors.ServerFault("echo p-w0rd-x cC11c2VyOnAtdzByZC14 s3cret-word gAAAAAB-given")
    error.strike(secrets)
    text = str(error).replace("***", "")
    assert "p-w0rd-x" not in text
    assert "cC11c2VyOnAtdzByZC14" not in text  # p-user:p-w0rd-x, as a proxy may repeat it


# --- what the answer means --------------------------------------------------------------------


def test_project_is_read_from_the_token(cloud, client):
    grant = client(credentials={"project_id": "asked-for"})._grant()
    assert (grant.project_id, grant.project_name) == (PROJECT, "demo-project")


def test_token_for_no_project_is_unreadable(cloud, client):
    cloud.login_reply = Reply(201, {"token": {}}, {"X-Subject-Token": "t"})
    with pytest.raises(errors.UnreadableAnswer, match="to no project"):
        client().ping()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "Failed to validate token"),  # an expired one, Keystone 30
        (404, "Could not recognize Fernet token"),  # one of another cloud
        (401, "The request you have made requires authentication."),
        (403, "Using a delegated token to create another token is not allowed.."),
    ],
)
def test_refused_token_says_that_it_cannot_be_renewed(cloud, recorder, wire, hand, status, said):
    cloud.login_reply = Reply(status, {"error": {"code": status, "message": said, "title": "x"}})
    auth = TokenCredentials(auth_url=f"{cloud.url}/v3", token="gAAAAAB-given", project_id="p")
    connection = connect(cloud.config(auth=auth), wire=wire, clock=hand.clock)
    with pytest.raises(errors.LoginFailed, match=r"cannot renew.*write a fresh one") as caught:
        EvsClient(connection, recorder).ping()
    assert said in caught.value.message
    assert caught.value.outcome_known


# --- against the sandbox ----------------------------------------------------------------------


class At:
    """A sandbox whose clock the test moves."""

    def __init__(self):
        self.now = 1_795_449_600.0
        self.server = SandboxServer(SandboxOptions(clock=lambda: self.now, seconds=1), 0)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}/v3"

    def client(self, auth):
        return EvsClient(connect(CloudConfig(name="box", auth=auth)), Recording())

    def password(self, **changes):
        user = {"username": scenarios.USERNAME, "user_domain_name": scenarios.DOMAIN}
        user |= {"project_id": scenarios.PROJECT_ID} | changes
        return PasswordCredentials(auth_url=self.url, password=scenarios.PASSWORD, **user)


@pytest.fixture
def box():
    box = At()
    yield box
    box.server.stop()


def application_credential(box, token):
    user_id = next(user.id for user in scenarios.USERS if user.name == scenarios.USERNAME)
    asked = {"application_credential": {"name": "portal", "secret": "a-long-secret"}}
    request = Request(
        f"{box.url}/users/{user_id}/application_credentials",
        data=json.dumps(asked).encode(),
        headers={"X-Auth-Token": token, "Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        return user_id, json.load(answer)["application_credential"]["id"]


def test_sandbox_takes_every_kind_of_credentials(box):
    by_name = box.client(box.password())
    token = by_name._grant().token
    user_id, credential_id = application_credential(box, token)
    application = {"auth_url": box.url, "secret": "a-long-secret"}
    for auth in (
        box.password(username="", user_domain_name="", user_id=user_id),
        box.password(project_id="", project_name=scenarios.PROJECT_NAME),
        ApplicationCredentials(**application, id=credential_id),
        ApplicationCredentials(**application, name="portal", user_id=user_id),
        ApplicationCredentials(
            **application,
            name="portal",
            username=scenarios.USERNAME,
            user_domain_id=scenarios.DOMAIN_ID,
        ),
        TokenCredentials(auth_url=box.url, token=token, project_id=scenarios.PROJECT_ID),
    ):
        client = box.client(auth)
        assert client.list_snapshots() == []
        grant = client._grant()
        assert (grant.project_id, grant.project_name) == (
            scenarios.PROJECT_ID,
            scenarios.PROJECT_NAME,
        )


def test_exchanged_token_ends_with_the_given_one(box):
    token = box.client(box.password())._grant().token
    box.now += 23 * 3600
    auth = TokenCredentials(auth_url=box.url, token=token, project_id=scenarios.PROJECT_ID)
    client = box.client(auth)
    client.ping()
    box.now += 2 * 3600
    with pytest.raises(errors.LoginFailed, match=r"cannot renew.*Failed to validate token"):
        client.ping()


def test_wrong_secret_of_an_application_credential_is_refused(box):
    _user, credential_id = application_credential(box, box.client(box.password())._grant().token)
    auth = ApplicationCredentials(auth_url=box.url, secret="another-secret", id=credential_id)
    with pytest.raises(errors.LoginFailed):
        box.client(auth).ping()


def test_token_of_an_application_credential_cannot_be_exchanged(box):
    _user, credential_id = application_credential(box, box.client(box.password())._grant().token)
    auth = ApplicationCredentials(auth_url=box.url, secret="a-long-secret", id=credential_id)
    token = box.client(auth)._grant().token
    exchange = TokenCredentials(auth_url=box.url, token=token, project_id=scenarios.PROJECT_ID)
    with pytest.raises(errors.LoginFailed, match="delegated token"):
        box.client(exchange).ping()
