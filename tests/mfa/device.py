"""A device with passkeys, made of software: honest until a test changes what it answers."""

import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

PRESENT, VERIFIED = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.UV


class Device:
    """Holds one passkey. `origin`: where the browser says that it is."""

    def __init__(self, origin="http://testserver"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.handle = b""
        self.origin = origin
        self.rp_id = "testserver"
        self.flags = PRESENT | VERIFIED
        self.count = 1
        self.algorithm = None  # instead of the key's own

    def make(self, options):
        """The answer to `navigator.credentials.create`, as the script sends it."""
        key = options["publicKey"]
        self.handle = websafe_decode(key["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        if self.algorithm is not None:
            public[3] = self.algorithm
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = self._data(self.flags | AuthenticatorData.FLAG.AT, credential)
        attestation = AttestationObject.create("none", data, {})
        client = self._client(CollectedClientData.TYPE.CREATE, key["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def sign(self, options, **changes):
        """The answer to `navigator.credentials.get`."""
        self.count += 1
        data = self._data(self.flags)
        client = self._client(CollectedClientData.TYPE.GET, options["publicKey"]["challenge"])
        signature = self.key.sign(data + sha256(client), ec.ECDSA(hashes.SHA256()))
        parts = {"signature": signature, "userHandle": self.handle} | changes
        return self._answer(clientDataJSON=client, authenticatorData=data, **parts)

    def _data(self, flags, credential=b""):
        return AuthenticatorData.create(
            sha256(self.rp_id.encode()), flags, self.count, bytes(credential)
        )

    def _client(self, kind, challenge):
        return CollectedClientData.create(kind, challenge, self.origin)

    def _answer(self, **parts):
        own_id = websafe_encode(self.id)
        response = {name: websafe_encode(bytes(part)) for name, part in parts.items()}
        answer = {"id": own_id, "rawId": own_id, "type": "public-key", "response": response}
        return json.dumps(answer)
