"""Tokens and signatures, and the refusals of each error style."""

import calendar
import hashlib
import hmac
import time

import pytest
from sandbox_client import Client

from snapshots.sandbox import ErrorStyle, signing
from snapshots.sandbox.messages import Request
from snapshots.sandbox.scenarios import (
    ACCESS_KEY,
    PROJECT_ID,
    PROJECT_NAME,
    SECRET_KEY,
    USERNAME,
    volume_named,
)

LIST = f"/v2/{PROJECT_ID}/snapshots/detail"
LOGS = volume_named("web-01-logs")


def signed(client, clock, method, path, query="", body="", key=SECRET_KEY, access=ACCESS_KEY, at=0):
    """Headers by the algorithm's nine steps (signing guide)."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now + at))
    host = f"127.0.0.1:{client.server.port}"
    headers = {"content-type": "application/json", "host": host, "x-sdk-date": date}
    headers["x-project-id"] = PROJECT_ID
    names = ";".join(sorted(headers))
    canonical_headers = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    digest = hashlib.sha256(body.encode()).hexdigest()
    canonical = "\n".join((method, f"{path}/", query, canonical_headers, names, digest))
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def test_published_vectors_are_reproduced():
    """A vector made with huaweicloudsdkcore's own signer."""
    body = (
        b'{"snapshot":{"name":"snap-001","description":"Daily backup",'
        b'"volume_id":"5aa119a8-d25b-45a7-8d1b-88e127885635","force":false,"metadata":{}}}'
    )
    headers = {
        "content-type": "application/json",
        "host": "evs.tr-central-201.example.com",
        "x-project-id": "0c2eba2c5af04d3f9e9d0d410b371fde",
        "x-sdk-date": "20260115T120000Z",
    }
    path = "/v2/0c2eba2c5af04d3f9e9d0d410b371fde/snapshots"
    request = Request("POST", path, path, "", headers, body)
    canonical = signing.canonical_request(request, tuple(sorted(headers)))
    secret = "ExampleSecretKeyExampleSecretKeyExample1"
    assert signing.sign(canonical, headers["x-sdk-date"], secret) == (
        "d45cb368d9817b22b664b666bf871a0d03612d7550c5470c784e161100827b3a"
    )


def test_vector_with_a_query_is_reproduced():
    headers = {
        "content-type": "application/json",
        "host": "evs.tr-central-201.example.com",
        "x-project-id": "0c2eba2c5af04d3f9e9d0d410b371fde",
        "x-sdk-date": "20260115T120000Z",
    }
    path = "/v2/0c2eba2c5af04d3f9e9d0d410b371fde/snapshots/detail"
    query = "limit=50&name=snap%20001~%C3%A9&volume_id=5aa119a8-d25b-45a7-8d1b-88e127885635"
    request = Request("GET", path, path, query, headers)
    canonical = signing.canonical_request(request, tuple(sorted(headers)))
    secret = "ExampleSecretKeyExampleSecretKeyExample1"
    assert signing.sign(canonical, headers["x-sdk-date"], secret) == (
        "7e02e155c336b783c0b28bf11fa6ed9c4664f1d599893790ba0101781f3e6e17"
    )


def test_signed_requests_are_answered(client, clock):
    headers = signed(client, clock, "GET", LIST, "limit=5&name=a%20b")
    assert client.send("GET", f"{LIST}?limit=5&name=a%20b", None, headers).status == 200
    path = f"/v2/{PROJECT_ID}/snapshots"
    body = f'{{"snapshot": {{"volume_id": "{LOGS.id}", "name": "é"}}}}'
    headers = signed(client, clock, "POST", path, body=body)
    assert client.send("POST", path, body.encode(), headers).status == 202
    headers = signed(client, clock, "GET", "/v3/projects", f"name={PROJECT_NAME}")
    reply = client.send("GET", f"/v3/projects?name={PROJECT_NAME}", None, headers)
    assert [project["id"] for project in reply.body["projects"]] == [PROJECT_ID]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"key": "another"}, "verify aksk signature fail"),
        ({"access": "UNKNOWN"}, "ak UNKNOWN not exist"),
        ({"at": 16 * 60}, "signature expired"),
        ({"at": -16 * 60}, "signature expired"),
    ],
)
def test_wrong_signatures_are_refused_by_the_gateway(client, clock, wrong, message):
    headers = signed(client, clock, "GET", LIST, **wrong)
    reply = client.send("GET", LIST, None, headers)
    assert (reply.status, reply.body["error_code"]) == (401, "APIGW.0301")
    assert message in reply.body["error_msg"]


def test_changed_body_does_not_fit_its_signature(client, clock):
    path = f"/v2/{PROJECT_ID}/snapshots"
    headers = signed(client, clock, "POST", path, body="{}")
    assert client.send("POST", path, b'{"a": 1}', headers).status == 401


def test_clock_of_the_cloud_is_in_the_date_header(client, clock):
    date = client.ask("GET", "/snapshots").headers["date"]
    seconds = calendar.timegm(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))
    assert seconds == int(clock.now)


@pytest.mark.parametrize(
    ("token", "message"), [("", "x-auth-token not found"), ("nonsense", "decrypt token fail")]
)
def test_bad_tokens_meet_the_gateway(client, token, message):
    reply = client.send("GET", LIST, None, {"X-Auth-Token": token} if token else {})
    assert (reply.status, reply.code) == (401, "APIGW.0301")
    assert reply.body["error_msg"].endswith(message)


def test_token_expires_on_the_clock(client, clock):
    headers = {"X-Auth-Token": client.token}
    clock.move(24 * 3600 - 1)
    assert client.send("GET", LIST, None, headers).status == 200
    clock.move(2)
    assert client.send("GET", LIST, None, headers).body["error_msg"].endswith("token expires")


def test_catalog_leads_back_to_the_sandbox(client, server):
    headers = {"X-Auth-Token": client.token}
    catalog = client.send("GET", "/v3/auth/catalog", None, headers).body["catalog"]
    urls = {service["type"]: service["endpoints"][0]["url"] for service in catalog}
    assert urls["volumev2"] == f"{server.url}/v2/{PROJECT_ID}"
    assert urls["volumev3"] == f"{server.url}/v3/{PROJECT_ID}"


def test_wrong_password_in_iams_words(client):
    client.password = "wrong"
    user = {"name": USERNAME, "password": "wrong", "domain": {"name": "sandbox-account"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    headers = {"Content-Type": "application/json"}
    reply = client.send("POST", "/v3/auth/tokens", body, headers)
    assert reply.status == 401
    assert reply.body["error"]["message"] == "The username or password is wrong."


def test_cinder_style_names_its_faults_on_v2_too(start):
    client = Client(start(errors=ErrorStyle.CINDER))
    reply = client.ask("GET", "/snapshots/00000000-0000-4000-8000-000000000000")
    assert reply.body["itemNotFound"]["code"] == 404
    unauthorized = client.send("GET", LIST)
    assert unauthorized.body["error"]["title"] == "Unauthorized"


def test_endless_microversion_is_not_supported(client):
    headers = {"X-Auth-Token": client.token, "OpenStack-API-Version": f"volume 3.{'9' * 5000}"}
    reply = client.send("GET", f"/v3/{client.project_id}/snapshots", headers=headers)
    assert reply.status == 406


def test_v3_answers_as_cinder_whatever_the_style(client):
    reply = client.ask("GET", "/snapshots/nonsense", version="v3")
    assert reply.body == {
        "itemNotFound": {"code": 404, "message": "Snapshot nonsense could not be found."}
    }
    assert reply.headers["openstack-api-version"] == "volume 3.0"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v2/{PROJECT_ID}/nosuch", 404, "APIGW.0101"),
        (f"/v2/{PROJECT_ID}/cloudsnapshots", 404, "APIGW.0101"),
        ("/v2/nonsense/snapshots", 400, "EVS.0001"),
    ],
)
def test_paths_that_lead_nowhere(client, path, status, code):
    reply = client.send("GET", path, None, {"X-Auth-Token": client.token})
    assert (reply.status, reply.code) == (status, code)


def test_versions(client):
    reply = client.send("GET", "/")
    assert reply.status == 300
    assert [version["id"] for version in reply.body["versions"]] == ["v2.0", "v3.0"]
    assert client.send("GET", "/v3").body["version"]["id"] == "v3.14"
