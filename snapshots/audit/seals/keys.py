"""The key that signs seals, exports and tombstones: Ed25519, from the environment or a file."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SEAL = b"evsportal-seal-v1\n"
EXPORT = b"evsportal-export-v1\n"
TOMBSTONE = b"evsportal-tombstone-v1\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """Both empty: there is no key, and nothing is signed."""

    key_id: str = ""
    signature: str = ""  # 64 bytes, hexadecimal


def sign(context: bytes, message: bytes) -> Signature:
    """Sign with the configured key; `context` keeps a signature from passing for another's.

    Raises `ImproperlyConfigured` for a key that cannot be read.
    """
    key = private_key()
    if key is None:
        return Signature()
    return Signature(key_id_of(key.public_key()), key.sign(context + message).hex())


def is_signed_by(key: Ed25519PublicKey, signature: str, context: bytes, message: bytes) -> bool:
    """Whether the key's owner signed exactly this."""
    try:
        raw = bytes.fromhex(signature)
        key.verify(raw, context + message)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return raw.hex() == signature  # one spelling only


def private_key() -> Ed25519PrivateKey | None:
    """The configured key; None when there is none. Raises `ImproperlyConfigured`."""
    text = settings.EVSPORTAL_AUDIT_KEY
    return read_private(text) if text else None


def public_key() -> Ed25519PublicKey | None:
    key = private_key()
    return key.public_key() if key else None


@lru_cache(maxsize=4)
def read_private(text: str) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ImproperlyConfigured("EVSPORTAL_AUDIT_KEY is no unencrypted PEM key.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("EVSPORTAL_AUDIT_KEY is no Ed25519 key.")
    return key


def read_public(pem: bytes) -> list[Ed25519PublicKey]:
    """All public keys in a PEM file: the current key and older ones.

    Raises `ValueError` for anything but Ed25519 public keys.
    """
    blocks = re.findall(rb"-----BEGIN [^-]+-----[^-]+-----END [^-]+-----", pem)
    if not blocks:
        raise ValueError("there is no public key in PEM.")
    return [_read_public(block) for block in blocks]


def _read_public(block: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no public key.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is no Ed25519 key.")
    return key


def key_id_of(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key's 32 bytes. It reveals nothing of the private key."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def new_key() -> bytes:
    """A private key in PEM."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
