"""The documented nginx before the portal: TLS, and the scoring of Mozilla's HTTP Observatory."""

import datetime as dt
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.front.conftest import HOST
from tests.front.observatory import Cookie, Scan, grade, score
from tests.waiting import until

DOCS = Path(__file__).resolve().parents[2] / "docs/security.md"
CLIENT = "127.0.0.2"  # of this machine too, and no trusted proxy
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed: on Debian or Ubuntu, apt-get install nginx"
)


class Site:
    """nginx as docs/security.md writes it, on ports of its own."""

    def __init__(self, folder, portal_port):
        self.folder = folder
        with (
            socket.create_server(("127.0.0.1", 0)) as plain,
            socket.create_server(("127.0.0.1", 0)) as secure,
        ):
            self.ports = {"http": plain.getsockname()[1], "https": secure.getsockname()[1]}
        write_certificate(folder)
        self.tls = ssl.create_default_context(cafile=folder / "portal.crt")
        (folder / "nginx.conf").write_text(self.configuration(portal_port))
        self.process = subprocess.Popen(
            [NGINX, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self.is_up() or self.process.poll() is not None, seconds=30)
        assert self.process.poll() is None, (folder / "error.log").read_text()

    def configuration(self, portal_port):
        (text,) = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(), re.DOTALL)
        for old, new in (
            ("listen 80;", f"listen 127.0.0.1:{self.ports['http']};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.ports['https']} ssl;"),
            ("/etc/nginx/portal", f"{self.folder}/portal"),
            ("127.0.0.1:8000", f"127.0.0.1:{portal_port}"),
        ):
            assert old in text
            text = text.replace(old, new)
        paths = "".join(
            f"{name}_temp_path {self.folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        start = f"daemon off; pid {self.folder}/pid;\nevents {{}}\n"
        return f"{start}http {{\naccess_log off;\n{paths}{text}}}\n"

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.ports["https"]), timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def fetch(self, address, **headers):
        """The answer of the site to this address; its name leads to this machine."""
        parts = urlsplit(address)
        assert parts.netloc == HOST
        server = ("127.0.0.1", self.ports[parts.scheme])
        connection = socket.create_connection(server, timeout=20, source_address=(CLIENT, 0))
        if parts.scheme == "https":
            connection = self.tls.wrap_socket(connection, server_hostname=HOST)
        query = f"?{parts.query}" if parts.query else ""
        lines = {"Host": HOST, "Connection": "close"} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with connection:
            connection.sendall(f"GET {parts.path or '/'}{query} HTTP/1.1\r\n{head}\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.text = answer.read().decode()
        return answer

    def scan(self):
        address, redirects, cookies = f"http://{HOST}/", [], []
        while True:
            answer = self.fetch(address)
            lines = answer.headers.get_all("Set-Cookie", [])
            cookies += [cookie_of(line) for line in lines]
            if "Location" not in answer.headers:
                break
            address = urljoin(address, answer.headers["Location"])
            redirects.append(address)
            assert len(redirects) < 10
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Scan(redirects, headers, answer.text, cookies)


def cookie_of(line):
    first, *rest = (part.strip().partition("=") for part in line.split(";"))
    return Cookie(first[0], {name.lower(): value for name, _equals, value in rest})


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "portal.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "portal.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory, portal):
    made = Site(tmp_path_factory.mktemp("nginx"), portal.port)
    yield made
    made.stop()


@needs_nginx
def test_portal_scores_at_least_130_points(site):
    scan = site.scan()
    points, modifiers = score(scan)
    print(f"\n{points} points, grade {grade(points)}: {modifiers}")
    assert scan.redirects[0] == f"https://{HOST}/"
    assert urlsplit(scan.redirects[-1]).path == "/accounts/login/"
    assert {cookie.name for cookie in scan.cookies} == {"__Host-csrftoken"}
    assert points >= 130
    assert grade(points) == "A+"


@needs_nginx
@pytest.mark.parametrize(
    ("cipher", "is_taken"),
    [
        ("ECDHE-ECDSA-AES256-GCM-SHA384", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
        ("ECDHE-ECDSA-AES256-SHA384", False),
        ("ECDHE-ECDSA-AES128-SHA", False),
    ],
)
def test_nginx_takes_recommended_ciphers_alone(site, cipher, is_taken):
    tls = ssl.create_default_context(cafile=site.folder / "portal.crt")
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=20) as connection:
        try:
            with tls.wrap_socket(connection, server_hostname=HOST) as secure:
                assert secure.cipher()[0] == cipher
                is_open = True
        except ssl.SSLError:
            is_open = False
    assert is_open == is_taken


@needs_nginx
def test_portal_behind_nginx_knows_its_client(site, portal):
    path = "/accounts/login/?from=nginx"
    assert site.fetch(f"https://{HOST}{path}", **{"X-Forwarded-For": "192.0.2.66"}).status == 200
    assert portal.line_of(path).startswith(f"{CLIENT} ")


# --- the scoring itself ----------------------------------------------------------------------

GOOD = Scan(
    redirects=[f"https://{HOST}/"],
    headers={
        "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "same-origin",
        "strict-transport-security": "max-age=31536000",
        "x-content-type-options": "nosniff",
    },
    html='<script src="/a.js"></script>',
    cookies=[Cookie("sessionid", {"secure": "", "httponly": "", "samesite": "Lax"})],
)


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 135),
        ({"content-security-policy": ""}, 100 - 25 - 20),
        ({"content-security-policy": "default-src 'self'; frame-ancestors 'self'"}, 130),
        ({"content-security-policy": "default-src 'none'; script-src 'unsafe-inline'"}, 60),
        ({"strict-transport-security": ""}, 80),
        ({"strict-transport-security": "max-age=60"}, 90 + 35),
        ({"x-content-type-options": ""}, 95 + 35),
        ({"referrer-policy": "unsafe-url"}, 95 + 30),
        ({"cross-origin-resource-policy": ""}, 125),
    ],
)
def test_header_counts_as_published(changes, points):
    assert score(replace(GOOD, headers=GOOD.headers | changes))[0] == points


@pytest.mark.parametrize(
    ("attributes", "points"),
    [
        ({"secure": "", "httponly": ""}, 130),
        ({"secure": "", "samesite": "Lax"}, 70),
        ({"httponly": "", "samesite": "Lax"}, 90 + 30),
        ({"secure": "", "httponly": "", "samesite": "None"}, 80),
    ],
)
def test_cookie_counts_as_published(attributes, points):
    assert score(replace(GOOD, cookies=[Cookie("sessionid", attributes)]))[0] == points


@pytest.mark.parametrize(
    ("redirects", "points"),
    [([], 80), ([f"http://{HOST}/a"], 80), ([f"http://{HOST}/a", f"https://{HOST}/"], 125)],
)
def test_redirect_counts_as_published(redirects, points):
    assert score(replace(GOOD, redirects=redirects))[0] == points


@pytest.mark.parametrize(("points", "letters"), [(135, "A+"), (95, "A"), (64, "C+"), (0, "F")])
def test_grade_is_as_published(points, letters):
    assert grade(points) == letters
