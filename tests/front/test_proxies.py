"""Who asks: the connection alone, unless a trusted proxy says more."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsportal.environment import read_environment
from evsportal.forwarded import settle
from snapshots.models import Action

TRUSTED = [ipaddress.ip_network(text) for text in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")]
CLIENT = "203.0.113.9"


def settled(peer="127.0.0.1", **headers):
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inner:8000"}
    environ |= {f"HTTP_X_FORWARDED_{name}": text for name, text in headers.items()}
    settle(environ, TRUSTED)
    return environ


@pytest.mark.parametrize(
    ("peer", "entries", "address"),
    [
        ("198.51.100.1", CLIENT, "198.51.100.1"),
        ("198.51.100.1", "127.0.0.1", "198.51.100.1"),
        ("127.0.0.1", CLIENT, CLIENT),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", f"192.0.2.66, {CLIENT}", CLIENT),
        ("127.0.0.1", f"192.0.2.66, {CLIENT}, 10.1.2.3", CLIENT),
        ("127.0.0.1", f"192.0.2.66,{CLIENT} ,10.9.9.9,\t10.1.2.3", CLIENT),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("127.0.0.1", "192.0.2.66, unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.66, unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", f"{CLIENT},", "127.0.0.1"),
        ("127.0.0.1", f"{CLIENT}:4711", CLIENT),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("127.0.0.1", "2001:DB8:0:0::7", "2001:db8::7"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("127.0.0.1", f"::ffff:{CLIENT}", CLIENT),
        ("::ffff:127.0.0.1", CLIENT, CLIENT),
        ("fd00::1", CLIENT, CLIENT),
        ("", CLIENT, ""),
    ],
)
def test_rightmost_untrusted_address_counts(peer, entries, address):
    assert settled(peer, FOR=entries)["REMOTE_ADDR"] == address


@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.1\r\nX: y",
        "1.2.3.4.5",
        "0x7f.1",
        "010.0.0.1",
        "٤.3.2.1",
        "<script>",
        "1.2.3.4:x",
        "[::1",
        "\u202e1.2.3.4",
        "9" * 5000,
    ],
)
def test_odd_entry_never_counts(entry):
    assert settled(FOR=f"192.0.2.66, {entry}")["REMOTE_ADDR"] == "127.0.0.1"


@given(st.text(), st.text(), st.text(), st.sampled_from(["127.0.0.1", "192.0.2.1", "", "x"]))
def test_forged_headers_never_crash(entries, scheme, host, peer):
    environ = settled(peer, FOR=entries, PROTO=scheme, HOST=host)
    assert environ["wsgi.url_scheme"] in {"http", "https"}
    assert not [name for name in environ if "FORWARDED" in name]


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "HTTPS", "https"),
        ("127.0.0.1", "https, http", "http"),
        ("127.0.0.1", "wss", "http"),
        ("192.0.2.1", "https", "http"),
    ],
)
def test_scheme_is_believed_of_trusted_proxies(peer, said, scheme):
    assert settled(peer, PROTO=said)["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize(
    ("peer", "said", "host"),
    [
        ("127.0.0.1", "portal.example.org", "portal.example.org"),
        ("127.0.0.1", "evil.example, portal.example.org:8443", "portal.example.org:8443"),
        ("127.0.0.1", "[2001:db8::1]", "[2001:db8::1]"),
        ("127.0.0.1", "portal.example.org/path", "inner:8000"),
        ("127.0.0.1", "user@portal.example.org", "inner:8000"),
        ("127.0.0.1", "", "inner:8000"),
        ("192.0.2.1", "portal.example.org", "inner:8000"),
    ],
)
def test_host_is_believed_of_trusted_proxies(peer, said, host):
    assert settled(peer, HOST=said)["HTTP_HOST"] == host


# --- in the portal ---------------------------------------------------------------------------


def refused_sign_in(client, **headers):
    client.post("/accounts/login/", {"username": "mallory", "password": "x"}, headers=headers)
    return Action.objects.latest("seq")


def test_trail_notes_the_connection_without_proxies(client, db):
    assert refused_sign_in(client, **{"X-Forwarded-For": CLIENT}).address == "127.0.0.1"


def test_trail_notes_the_client_behind_a_proxy(client, db, settings):
    settings.EVSPORTAL_TRUSTED_PROXIES = TRUSTED
    row = refused_sign_in(client, **{"X-Forwarded-For": f"192.0.2.66, {CLIENT}"})
    assert row.address == CLIENT


def test_host_of_a_proxy_must_be_ours(client, db, settings):
    settings.EVSPORTAL_TRUSTED_PROXIES = TRUSTED
    settings.ALLOWED_HOSTS = ["portal.example.org", "testserver"]
    for host, status in (("portal.example.org", 200), ("evil.example", 400)):
        answer = client.get("/accounts/login/", headers={"X-Forwarded-Host": host})
        assert answer.status_code == status


# --- the setting -----------------------------------------------------------------------------


def test_setting_takes_addresses_and_networks():
    values = read_environment({"EVSPORTAL_TRUSTED_PROXIES": "127.0.0.1, 192.0.2.0/24,::1"})
    networks = ["127.0.0.1/32", "192.0.2.0/24", "::1/128"]
    assert [str(network) for network in values["EVSPORTAL_TRUSTED_PROXIES"]] == networks


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("proxy.example.org", "write an address or a network"),
        ("192.0.2.1/24", "without bits beyond its length"),
        ("192.0.2.0/33", "write an address or a network"),
        ("0.0.0.0/0", "trusts everybody"),
        ("::/0", "trusts everybody"),
        ("*", "write an address or a network"),
    ],
)
def test_setting_refuses_what_names_no_proxy(text, why):
    with pytest.raises(Exception, match=f"EVSPORTAL_TRUSTED_PROXIES holds .*{why}"):
        read_environment({"EVSPORTAL_TRUSTED_PROXIES": text})
