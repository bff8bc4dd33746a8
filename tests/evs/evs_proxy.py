"""A small scripted HTTP proxy on a loopback port: CONNECT and forwarding."""

import base64
import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class LoopbackProxy:
    """Keeps the head of each request it got.

    `refusal`: a status line it answers with instead. `credentials`: what it wants as
    "user:password". `cuts`: it closes the connection instead of answering, "connect" for a CONNECT,
    "tunnel" right after it, "forward" for a forwarded request. `silent`: it never answers.
    """

    def __init__(self, context=None):
        self.heads = []
        self.bodies = []
        self.tunnelled = bytearray()
        self.credentials = None
        self.refusal = None
        self.cuts = None
        self.silent = False
        self._context = context
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self):
        while not self._stop.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with suppress(OSError), sock:
            sock.settimeout(10)
            if self._context:
                with self._context.wrap_socket(sock, server_side=True) as wrapped:
                    self._answer(wrapped)
            else:
                self._answer(sock)

    def _answer(self, sock):
        head, rest = _read_head(sock)
        if not head:
            return
        self.heads.append(head.decode())
        method, target, _version = self.heads[-1].split("\r\n")[0].split(" ")
        self.bodies.append(self._read_body(sock, head.decode().lower(), rest))
        if self.silent:
            self._stop.wait(10)
            return
        refusal = self.refusal or self._unauthorized(head.decode())
        if refusal:
            sock.sendall(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
        elif method == "CONNECT":
            self._tunnel(sock, target)
        else:
            self._forward(sock, target)

    def _unauthorized(self, head):
        if self.credentials is None:
            return None
        credentials = base64.b64encode(self.credentials.encode()).decode()
        if f"proxy-authorization: basic {credentials}".lower() in head.lower():
            return None
        return "407 Proxy Authentication Required"

    def _read_body(self, sock, head, rest):
        length = next(
            (line.split(":")[1] for line in head.split("\r\n") if "content-length" in line), "0"
        )
        while len(rest) < int(length):
            rest += sock.recv(65536)
        return rest

    def _tunnel(self, sock, target):
        if self.cuts == "connect":
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if self.cuts == "tunnel":
                return
            self._pump(sock, upstream)

    def _pump(self, sock, upstream):
        ends = {sock: upstream, upstream: sock}
        while not self._stop.is_set():
            pending = [s for s in ends if isinstance(s, ssl.SSLSocket) and s.pending()]
            ready = pending or select.select(list(ends), [], [], 0.05)[0]
            for end in ready:
                chunk = end.recv(65536)
                if not chunk:
                    return
                if end is sock:
                    self.tunnelled += chunk
                ends[end].sendall(chunk)

    def _forward(self, sock, target):
        if self.cuts == "forward":
            return
        parts = urlsplit(target)
        lines = self.heads[-1].split("\r\n")
        method = lines[0].split(" ")[0]
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        passed = [line for line in lines[1:] if line and not line.lower().startswith("proxy-")]
        passed.append("Connection: close")
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *passed, "", ""])
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as upstream:
            upstream.sendall(head.encode() + self.bodies[-1])
            while chunk := upstream.recv(65536):
                sock.sendall(chunk)


def _read_head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            return b"", b""
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


# --- certificates -----------------------------------------------------------------------------


class Authority:
    """An authority of its own that signs certificates for 127.0.0.1 and for clients."""

    def __init__(self, folder, name):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(f"{name} authority")
        certificate = self._signed(
            self._name,
            self._key,
            x509.BasicConstraints(ca=True, path_length=0),
        )
        self.file = folder / f"{name}-authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name, *, password=None):
        """The files of a certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(
            _subject(name),
            key,
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
        )
        encryption = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
        )
        return files

    def server_context(self, name, *, clients=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.file)
        return context

    def _signed(self, subject, key, *extensions):
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
