"""A provider on loopback that signs, and lies, as a test tells it to."""

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT_ID = "portal"
CLIENT_SECRET = "secret of the portal's"
METADATA = "/.well-known/openid-configuration"


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


FIRST_KEY = new_key()  # made once: that takes a while


class LyingProvider:
    """Honest until a test changes what it answers."""

    def __init__(self, port):
        self.issuer = f"http://127.0.0.1:{port}"
        self.key, self.kid = FIRST_KEY, "first"
        self.published = None  # the keys that it shows, where not its own
        self.claims = {}  # instead of the honest ones; None leaves a claim out
        self.userinfo = {"sub": "s-1"}
        self.metadata = {}
        self.algorithm, self.signing_key, self.header = "RS256", None, {"kid": "first"}
        self.token = None  # instead of an id_token
        self.token_answer, self.token_status = None, 200  # instead of the whole answer
        self.pause = 0
        self.drips = ""  # "headers" or "body": a byte at a time
        self.code_challenge = ""
        self.asked = []

    # --- what it answers ---------------------------------------------------------------------

    def describe(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.metadata,
        }

    def jwks(self):
        if self.published is not None:
            return {"keys": self.published}
        return {"keys": [self.public_jwk()]}

    def public_jwk(self):
        text = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())
        return {**json.loads(text), "kid": self.kid, "use": "sig", "alg": "RS256"}

    def public_pem(self):
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def id_token(self, nonce):
        if self.token is not None:
            return self.token
        return self.sign({"nonce": nonce, **self.claims})

    def sign(self, claims):
        now = int(time.time())
        honest = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "s-1",
            "iat": now,
            "exp": now + 300,
            "preferred_username": "ayse",
            "email": "ayse@example.org",
        }
        claims = {name: value for name, value in {**honest, **claims}.items() if value is not None}
        if self.algorithm == "HS256":
            return self._sign_by_public_key(claims)
        key = None if self.algorithm == "none" else self.signing_key or self.key
        content = json.dumps(claims).encode()  # `jwt.encode` refuses some lies
        return jwt.PyJWS().encode(content, key, algorithm=self.algorithm, headers=self.header)

    def _sign_by_public_key(self, claims):
        """PyJWT refuses to do so itself."""
        header = {"alg": "HS256", "typ": "JWT", **self.header}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        digest = hmac.digest(self.public_pem(), signed, hashlib.sha256)
        return b".".join([signed, _base64(digest)]).decode()

    def answer_code(self, form):
        if form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(digest).decode() != self.code_challenge:
            return 400, {"error": "invalid_grant"}
        if self.token_answer is not None:
            return self.token_status, self.token_answer
        token = self.id_token(form["code"])
        return 200, {"access_token": "a-1", "token_type": "Bearer", "id_token": token}


def _base64(text):
    return base64.urlsafe_b64encode(text).rstrip(b"=")


@contextmanager
def running_provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.provider = LyingProvider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        provider = self.server.provider
        answers = {METADATA: provider.describe, "/jwks": provider.jwks}
        if self.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer a-1"
            self._send(200, provider.userinfo)
        else:
            self._send(200, answers[self.path]())

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        form = {
            name: texts[0] for name, texts in parse_qs(self.rfile.read(length).decode()).items()
        }
        self._send(*self.server.provider.answer_code(form))

    def _send(self, status, content):
        provider = self.server.provider
        provider.asked.append(self.path)
        time.sleep(provider.pause)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        try:
            if provider.drips:
                self._drip(body)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # the portal did not wait

    def _drip(self, body):
        """Without a length: the end of the connection would be the end of the answer."""
        self.close_connection = True
        head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
        whole = head + b"X-Pad: " + b"x" * 10_000 + b"\r\n\r\n" + body
        if self.server.provider.drips == "body":
            self.wfile.write(head + b"\r\n")
            whole = body + b" " * 10_000
        for start in range(len(whole)):
            self.wfile.write(whole[start : start + 1])
            time.sleep(0.05)

    def log_message(self, *args):
        pass
