"""A cloud's own proxy: what it forwards, what it sees, which outcomes are certain behind it."""

import time
from pathlib import Path

import pytest
from evs_loopback import Reply, silence
from evs_proxy import Authority, LoopbackProxy
from test_evs_wire import outgoing

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.config import KeyCredentials, Proxy
from snapshots.evs.connection import connect, wire_to
from snapshots.evs.types import CreateSnapshot
from snapshots.evs.wire import Wire
from tests.ports import free_port

PASSWORD = "pr0xy-s3cret"
LIMITS = {"connect_seconds": 1, "read_seconds": 2, "deadline_seconds": 3}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("cloud"), "cloud")


@pytest.fixture(scope="module")
def proxy_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("proxy"), "proxy")


@pytest.fixture
def proxy():
    proxy = LoopbackProxy()
    yield proxy
    proxy.close()


@pytest.fixture
def tls_proxy(proxy_authority):
    proxy = LoopbackProxy(proxy_authority.server_context("proxy"))
    yield proxy
    proxy.close()


@pytest.fixture
def tls_server(server, authority):
    server.wrap_tls(authority.server_context("server"))
    return server


@pytest.fixture
def wire_through(authority):
    """A wire through a proxy; by default it trusts the cloud's authority."""
    wires = []

    def build(proxy, *, cacert="", user="", password="", **changes):
        own = Proxy(url=proxy.url, username=user, password=password, cacert=str(cacert))
        wire = Wire(**{"ca_file": str(authority.file), "proxy": own, **LIMITS, **changes})
        wires.append(wire)
        return wire

    yield build
    for wire in wires:
        wire.close()


# --- what passes ------------------------------------------------------------------------------


def test_https_goes_through_a_tunnel(tls_server, proxy, wire_through, recorder):
    tls_server.otherwise = Reply(200, b"hello")
    wire = wire_through(proxy)
    for method in ("GET", "POST", "GET"):
        request = outgoing(tls_server.url + "/path", method, **{"X-Auth-Token": "tok-en"})
        assert wire.send(request, recorder=recorder).body == b"hello"
    assert [head.split(" ")[0] for head in proxy.heads] == ["CONNECT", "CONNECT"]
    assert all("tok-en" not in head for head in proxy.heads)
    assert b"tok-en" not in proxy.tunnelled
    assert tls_server.connections == 2  # a POST has a connection of its own


def test_plain_http_is_forwarded_as_it_was_signed(server, proxy, wire_through, recorder):
    server.otherwise = Reply(200, b"hello")
    url = server.url + "/a%7Eb/c;d?z=%7E&a="
    assert wire_through(proxy).send(outgoing(url, "POST", b"x"), recorder=recorder).body == b"hello"
    assert proxy.heads[0].startswith(f"POST {url} HTTP/1.1")
    assert server.requests[0].path == "/a%7Eb/c;d?z=%7E&a="


@pytest.mark.parametrize("is_tls", [True, False])
def test_https_proxy_is_verified_by_its_own_trust_file(
    server, authority, tls_proxy, proxy_authority, wire_through, recorder, is_tls
):
    if is_tls:
        server.wrap_tls(authority.server_context("server"))
    server.otherwise = Reply(200, b"hello")
    wire = wire_through(tls_proxy, cacert=proxy_authority.file)
    for method in ("GET", "POST"):
        assert wire.send(outgoing(server.url, method), recorder=recorder).body == b"hello"
    for trust in ("", authority.file):
        with pytest.raises(errors.NoConnection, match="certificate"):
            wire_through(tls_proxy, cacert=trust).send(outgoing(server.url), recorder=recorder)
    assert len(server.requests) == 2


def test_proxy_certificates_are_not_trusted_for_the_cloud(
    tls_server, tls_proxy, proxy_authority, wire_through, recorder
):
    wire = wire_through(tls_proxy, cacert=proxy_authority.file, ca_file=str(proxy_authority.file))
    with pytest.raises(errors.NoConnection, match="certificate"):
        wire.send(outgoing(tls_server.url, "POST", b"x"), recorder=recorder)
    assert tls_server.requests == []


@pytest.mark.parametrize("is_tls", [True, False])
def test_only_the_proxy_gets_its_password(server, authority, proxy, wire_through, recorder, is_tls):
    if is_tls:
        server.wrap_tls(authority.server_context("server"))
    proxy.credentials = f"portal:{PASSWORD}"
    server.otherwise = Reply(200)
    wire = wire_through(proxy, user="portal", password=PASSWORD)
    assert wire.send(outgoing(server.url), recorder=recorder).status == 200
    assert "proxy-authorization" not in server.requests[0].headers
    assert PASSWORD not in repr(wire.__dict__)


# --- what is provable -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        "407 Proxy Authentication Required",
        "403 Forbidden",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "302 Found",
        "200x nonsense",
    ],
)
def test_refused_tunnel_sends_nothing(tls_server, proxy, wire_through, recorder, refusal):
    proxy.refusal = refusal
    wire = wire_through(proxy, user="portal", password=PASSWORD)
    with pytest.raises(errors.NoConnection, match="through the proxy 127") as caught:
        wire.send(outgoing(tls_server.url, "POST", b"x"), recorder=recorder)
    assert caught.value.outcome_known
    assert "Nothing was sent" in caught.value.message
    assert PASSWORD not in str(caught.value)
    assert tls_server.requests == []
    assert recorder.events == ["open test POST", "NoConnection"]


def test_password_that_the_proxy_repeats_is_struck_out(cloud, proxy, recorder):
    basic = "cG9ydGFsOnByMHh5LXMzY3JldA"  # portal:pr0xy-s3cret
    proxy.refusal = f"403 {PASSWORD} {basic}= of portal"
    own = Proxy(url=proxy.url, username="portal", password=PASSWORD)
    url = cloud.url.replace("http:", "https:")
    config = cloud.config(proxy=own, credentials={"auth_url": url})
    recorded = []
    recorder.failed = lambda _request, error, **_facts: recorded.append(error)
    with pytest.raises(
        errors.NoConnection, match=r"Tunnel connection failed: 403 \*\*\*"
    ) as caught:
        EvsClient(connect(config), recorder).ping()
    assert recorded == [caught.value]
    for text in (str(caught.value), repr(caught.value)):
        assert PASSWORD not in text
        assert basic not in text


@pytest.mark.parametrize("cuts", ["connect", "tunnel"])
def test_tunnel_that_is_cut_sends_nothing(tls_server, proxy, wire_through, recorder, cuts):
    proxy.cuts = cuts
    with pytest.raises(errors.NoConnection):
        wire_through(proxy).send(outgoing(tls_server.url, "POST", b"x"), recorder=recorder)
    assert tls_server.requests == []


@pytest.mark.parametrize("limits", [{"connect_seconds": 0.2}, {"deadline_seconds": 0.2}])
def test_proxy_that_never_opens_the_tunnel_sends_nothing(
    tls_server, proxy, wire_through, recorder, limits
):
    proxy.silent = True
    started = time.monotonic()
    with pytest.raises(errors.NoConnection):
        wire_through(proxy, **limits).send(outgoing(tls_server.url, "POST"), recorder=recorder)
    assert time.monotonic() - started < 2
    assert recorder.events == ["open test POST", "NoConnection"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy_scheme", ["http", "https"])
def test_proxy_out_of_reach_sends_nothing(wire_through, recorder, scheme, proxy_scheme):
    class Nowhere:
        url = f"{proxy_scheme}://127.0.0.1:{free_port()}"

    with pytest.raises(errors.NoConnection, match=r"refused.*Nothing was sent"):
        wire_through(Nowhere).send(outgoing(f"{scheme}://127.0.0.1:9/", "POST"), recorder=recorder)


def test_failed_tls_behind_the_proxy_sends_nothing(server, proxy, wire_through, recorder):
    url = server.url.replace("http:", "https:")  # the server speaks plain http
    with pytest.raises(errors.NoConnection):
        wire_through(proxy).send(outgoing(url, "POST", b"x"), recorder=recorder)
    assert len(proxy.heads) == 1
    assert server.requests == []


def test_https_to_a_plain_proxy_sends_nothing(server, proxy, wire_through, recorder):
    class Mistaken:
        url = proxy.url.replace("http:", "https:")

    with pytest.raises(errors.NoConnection):
        wire_through(Mistaken).send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert proxy.heads == []


def test_forwarded_request_that_is_cut_may_have_been_done(server, proxy, wire_through, recorder):
    proxy.cuts = "forward"
    with pytest.raises(errors.ConnectionCut) as caught:
        wire_through(proxy).send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert not caught.value.outcome_known


def test_407_to_a_forwarded_request_did_nothing(server, proxy, wire_through, recorder):
    proxy.credentials = "portal:another"
    wire = wire_through(proxy, user="portal", password=PASSWORD)
    with pytest.raises(errors.NoConnection, match="refused our user or password") as caught:
        wire.send(outgoing(server.url, "POST", b"x"), recorder=recorder)
    assert caught.value.outcome_known
    assert recorder.partial.status == 407
    assert server.requests == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_fault_of_a_forwarded_request_proves_nothing(proxy, cloud, recorder, status):
    proxy.refusal = f"{status} Somewhere"
    keys = KeyCredentials(access_key="a", secret_key="s", project_id="p")
    config = cloud.config(auth=keys, endpoint=cloud.url, proxy=Proxy(url=proxy.url))
    with pytest.raises(errors.ServerFault) as caught:
        EvsClient(connect(config), recorder).create_snapshot(CreateSnapshot(volume_id="v"))
    assert not caught.value.outcome_known


def test_407_inside_the_tunnel_is_the_clouds_answer(tls_server, proxy, wire_through, recorder):
    tls_server.otherwise = Reply(407)
    request = outgoing(tls_server.url, "POST", b"x")
    assert wire_through(proxy).send(request, recorder=recorder).status == 407


@pytest.mark.parametrize("kind", ["proxy", "tls_proxy"])
def test_silence_behind_the_proxy_is_a_timeout(
    request, tls_server, proxy_authority, wire_through, recorder, kind
):
    own = request.getfixturevalue(kind)
    cacert = proxy_authority.file if kind == "tls_proxy" else ""
    wire = wire_through(own, cacert=cacert, deadline_seconds=0.6, read_seconds=5)
    tls_server.otherwise = silence(3)
    started = time.monotonic()
    with pytest.raises(errors.Timeout) as caught:
        wire.send(outgoing(tls_server.url, "POST", b"x"), recorder=recorder)
    assert time.monotonic() - started < 2
    assert not caught.value.outcome_known


# --- the environment --------------------------------------------------------------------------

NAMES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Proxies, exceptions, passwords and certificates, all of them to be ignored."""
    elsewhere = f"http://127.0.0.1:{free_port()}"
    for name in NAMES:
        monkeypatch.setenv(name, elsewhere)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    return keys


def test_proxy_of_the_environment_is_not_used(environment, tls_server, authority, recorder):
    tls_server.otherwise = Reply(200)
    wire = Wire(ca_file=str(authority.file), **LIMITS)
    assert wire.send(outgoing(tls_server.url), recorder=recorder).status == 200
    assert "authorization" not in tls_server.requests[0].headers
    assert not environment.exists()
    wire.close()


@pytest.mark.parametrize("is_tls", [True, False])
def test_configured_proxy_is_used_despite_no_proxy(
    environment, server, authority, proxy, wire_through, recorder, is_tls
):
    if is_tls:
        server.wrap_tls(authority.server_context("server"))
    server.otherwise = Reply(200)
    wire_through(proxy).send(outgoing(server.url), recorder=recorder)
    assert len(proxy.heads) == 1
    assert "authorization" not in proxy.heads[0].lower()
    assert "authorization" not in server.requests[0].headers


# --- certificates -----------------------------------------------------------------------------


def test_client_certificate_is_shown_to_the_cloud_only(
    server, authority, proxy_authority, tls_proxy, wire_through, recorder
):
    server.wrap_tls(authority.server_context("server", clients=authority))
    server.otherwise = Reply(200)
    certificate, key = map(str, authority.issue("client"))
    with pytest.raises(errors.EvsError):
        wire_through(tls_proxy, cacert=proxy_authority.file).send(
            outgoing(server.url), recorder=recorder
        )
    both = authority.file.parent / "both.pem"
    both.write_bytes(Path(certificate).read_bytes() + Path(key).read_bytes())
    for files in (
        {"client_cert": certificate, "client_key": key},
        {"client_cert": str(both)},
    ):
        for wire in (
            wire_through(tls_proxy, cacert=proxy_authority.file, **files),
            Wire(ca_file=str(authority.file), **files),
        ):
            assert wire.send(outgoing(server.url), recorder=recorder).status == 200
            wire.close()


def test_certificates_that_cannot_be_used_are_refused_by_name(cloud, authority, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here\n")
    certificate, _key = map(str, authority.issue("client"))
    locked, locked_key = map(str, authority.issue("locked", password=b"word"))
    _other, other_key = map(str, authority.issue("other"))
    bad = [
        ({"cacert": str(empty)}, "empty.pem"),
        ({"cacert": str(tmp_path / "missing.pem")}, "missing.pem"),
        ({"client_cert": str(empty)}, "empty.pem"),
        ({"client_cert": str(tmp_path / "missing.pem")}, "missing.pem"),
        ({"client_cert": certificate}, "client.crt"),
        ({"client_cert": certificate, "client_key": other_key}, "other.key"),
        ({"client_cert": locked, "client_key": locked_key}, "without a password"),
        ({"proxy": Proxy(url="https://proxy:1", cacert=str(empty))}, "empty.pem"),
    ]
    for settings, problem in bad:
        with pytest.raises(ValueError, match=f"Cloud fake: .*{problem}"):
            wire_to(cloud.config(**settings))
        with pytest.raises(ValueError, match=f"Cloud fake: .*{problem}"):
            connect(cloud.config(**settings))


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://proxy:1080", "http://user:word@proxy:3128", "http://"]
)
def test_proxy_address_that_is_none_is_refused(cloud, url):
    with pytest.raises(ValueError, match="proxy"):
        connect(cloud.config(proxy=Proxy(url=url)))
