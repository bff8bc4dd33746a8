"""Signatures of requests, compared with the vendor's own SDK."""

import hashlib
import random
import warnings
from datetime import UTC, datetime

import pytest

from snapshots.evs.config import KeyCredentials
from snapshots.evs.signing import canonical_request, host_of, query_string, signed_headers

P = "0c2eba2c5af04d3f9e9d0d410b371fde"
VOLUME = "5aa119a8-d25b-45a7-8d1b-88e127885635"
IDS = ("b836dc3d-4e10-4ea4-a34c-8f6b0460a583", "83be494d-329e-4a78-8ac5-9af900f48b95")
HOST = "evs.tr-central-201.example.com"
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
CREATE = (
    b'{"snapshot":{"name":"snap-001","description":"Daily backup",'
    b'"volume_id":"5aa119a8-d25b-45a7-8d1b-88e127885635","force":false,"metadata":{}}}'
)
# Made with huaweicloudsdkcore 3.1.219: method, path and query, body, security token, digest of the
# canonical request, signature.
VECTORS = [
    (
        "POST",
        f"/v2/{P}/snapshots",
        CREATE,
        None,
        "8c8c21066892f7d2ed6b0b9dde4c92cac715475fe6283bc5b4be4546ed18dff2",
        "d45cb368d9817b22b664b666bf871a0d03612d7550c5470c784e161100827b3a",
    ),
    (
        "GET",
        f"/v2/{P}/snapshots/detail?limit=50&name=snap%20001~%C3%A9&volume_id={VOLUME}",
        None,
        None,
        "0780138ee0c8430ba3a2ab6956d59858d0e1dc546108b25ba07bef85d4dc4cc1",
        "7e02e155c336b783c0b28bf11fa6ed9c4664f1d599893790ba0101781f3e6e17",
    ),
    (
        "DELETE",
        f"/v2/{P}/cloudsnapshots/ffa9bc5e-1172-4021-acaf-cdcd78a9584d",
        None,
        "EXAMPLE-SECURITY-TOKEN",
        "3efb35e201d0f80c44d303a4cab936f41cd9d226a22b579643a2dbb02ac29803",
        "915d39092114af107eb8aeee0931c29d4c6b98274d59cab5498c2a05b821b561",
    ),
    (
        "GET",
        f"/v2/{P}/cloudsnapshots/detail?id={IDS[0]}&id={IDS[1]}",
        None,
        None,
        "c17accf4aafc823d71d9ad81e5da622703b0fa1ebff95808fb5afdef35171cd0",
        "3e66caec14e356ff0843095a83db23c2d75b5e39dbef1f59db529082f64f8cee",
    ),
]


def keys(token=None):
    return KeyCredentials(
        access_key="EXAMPLEAKEXAMPLEAK01",
        secret_key="ExampleSecretKeyExampleSecretKeyExample1",
        project_id=P,
        security_token=token,
    )


def sign(method, url, body=None, token=None, **headers):
    headers = {"Content-Type": "application/json", "X-Project-Id": P} | headers
    return signed_headers(keys(token), method=method, url=url, headers=headers, body=body, at=AT)


@pytest.mark.parametrize(("method", "path", "body", "token", "digest", "signature"), VECTORS)
def test_known_signatures(method, path, body, token, digest, signature):
    headers = sign(method, f"https://{HOST}{path}", body, token)
    assert headers["Authorization"].endswith(f"Signature={signature}")
    names = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    covered = {name.lower(): value for name, value in headers.items() if name.lower() in names}
    request = canonical_request(method, url=f"https://{HOST}{path}", covered=covered, body=body)
    assert hashlib.sha256(request.encode()).hexdigest() == digest


def test_headers_a_proxy_may_change_are_not_signed():
    plain = sign("GET", f"https://{HOST}/")
    more = sign("GET", f"https://{HOST}/", **{"User-Agent": "x", "Accept": "y"})
    assert plain["Authorization"] == more["Authorization"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h.example/x", "h.example"),
        ("https://h.example:443/x", "h.example"),
        ("http://h.example:443/x", "h.example:443"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_host_is_the_one_that_is_sent(url, host):
    assert host_of(url) == host


def test_random_requests_are_signed_as_the_vendor_does():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huaweicloudsdkcore.auth.credentials import BasicCredentials
        from huaweicloudsdkcore.sdk_request import SdkRequest
        from huaweicloudsdkcore.signer.signer import Signer
    signer = Signer(BasicCredentials(keys().access_key, keys().secret_key, P))
    chance = random.Random(7)
    letters = "abzAZ09-_.~ !*'()+,;:@&=%/?#é漢😀"

    def text(longest):
        return "".join(chance.choices(letters, k=chance.randint(0, longest)))

    for _ in range(2000):
        pairs = [(text(3) or "n", text(6)) for _ in range(chance.randint(0, 4))]
        path = f"/v2/{P}/snapshots/" + chance.choice(["", "a-b", "detail"])
        body = text(20).encode() if chance.random() < 0.5 else None
        query = query_string(pairs)
        mine = sign("POST", f"https://{HOST}{path}" + (f"?{query}" if query else ""), body)
        theirs = SdkRequest(
            method="POST",
            schema="https",
            host=HOST,
            resource_path=path,
            query_params=pairs,
            header_params={
                "X-Sdk-Date": "20260115T120000Z",
                "Content-Type": "application/json",
                "X-Project-Id": P,
                "Host": HOST,
            },
            body=body or "",
        )
        assert signer.sign(theirs).header_params["Authorization"] == mine["Authorization"]
