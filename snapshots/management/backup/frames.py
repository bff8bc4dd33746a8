"""The outside of a backup file: a header, then frames of compressed bytes, each sealed.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015) over AES-256-GCM: the
nonce of a frame holds its number and whether it is the last one, so a frame that is left out,
repeated, moved or cut off does not open. Without a secret a digest stands in place of the tag: it
shows damage, and proves nothing against a person who can write the file.
"""

import hashlib
import hmac
import json
import os
import struct
import zlib
from typing import IO, Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.secret import HKDF_SHA256, SCRYPT, Secret

MAGIC = b"evsportal-backup 1\n"
FRAME_BYTES = 1024 * 1024  # before compression
LONGEST_HEADER = 4096
TAG_BYTES = 16
_FRAME = struct.Struct(">IB")  # length, and whether it is the last
_NUMBER = struct.Struct(">IB")  # in the nonce, behind a prefix of 7 bytes
_PREFIX_BYTES, _SALT_BYTES = 7, 32
_DAMAGED = "The file is damaged or was cut off"


class _Sealer(Protocol):
    def seal(self, number: int, body: bytes, *, is_last: bool) -> bytes: ...
    def open(self, number: int, sealed: bytes, *, is_last: bool) -> bytes: ...


class _Encrypting:
    def __init__(self, header: bytes, fields: dict[str, str], secret: Secret) -> None:
        self._cipher = AESGCM(secret.key_with(bytes.fromhex(fields["salt"])))
        self._prefix = bytes.fromhex(fields["prefix"])
        self._header = header

    def seal(self, number: int, body: bytes, *, is_last: bool) -> bytes:
        nonce = self._prefix + _NUMBER.pack(number, is_last)
        return self._cipher.encrypt(nonce, body, self._header)

    def open(self, number: int, sealed: bytes, *, is_last: bool) -> bytes:
        nonce = self._prefix + _NUMBER.pack(number, is_last)
        try:
            return self._cipher.decrypt(nonce, sealed, self._header)
        except InvalidTag:
            hint = ", or this is not its passphrase or key." if number == 0 else "."
            raise BackupError(f"{_DAMAGED}{hint}") from None


class _Digesting:
    def __init__(self, header: bytes) -> None:
        self._header = header

    def seal(self, number: int, body: bytes, *, is_last: bool) -> bytes:
        return body + self._tag(number, body, is_last=is_last)

    def open(self, number: int, sealed: bytes, *, is_last: bool) -> bytes:
        body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(number, body, is_last=is_last)):
            raise BackupError(f"{_DAMAGED}.")
        return body

    def _tag(self, number: int, body: bytes, *, is_last: bool) -> bytes:
        pieces = self._header + _NUMBER.pack(number, is_last) + body
        return hashlib.sha256(pieces).digest()[:TAG_BYTES]


class FrameWriter:
    """Takes bytes; `close` writes the last frame, without which the file is refused."""

    def __init__(self, file: IO[bytes], secret: Secret | None) -> None:
        self._file, self._number, self._waiting = file, 0, bytearray()
        fields = {"cipher": "none"}
        if secret is not None:
            fields = {"cipher": "aes-256-gcm", "key": secret.function}
            fields |= {"salt": os.urandom(_SALT_BYTES).hex()}
            fields |= {"prefix": os.urandom(_PREFIX_BYTES).hex()}
        header = MAGIC + json.dumps(fields, sort_keys=True).encode() + b"\n"
        file.write(header)
        self._sealer = _sealer(header, fields, secret)

    def write(self, content: bytes) -> None:
        self._waiting += content
        while len(self._waiting) > FRAME_BYTES:  # the last frame is never empty of a reason
            self._frame(bytes(self._waiting[:FRAME_BYTES]), is_last=False)
            del self._waiting[:FRAME_BYTES]

    def close(self) -> None:
        self._frame(bytes(self._waiting), is_last=True)

    def _frame(self, content: bytes, *, is_last: bool) -> None:
        sealed = self._sealer.seal(self._number, zlib.compress(content, 3), is_last=is_last)
        self._file.write(_FRAME.pack(len(sealed), is_last) + sealed)
        self._number += 1


class FrameReader:
    """Gives the bytes back. Raises `BackupError` for what is not whole."""

    def __init__(self, file: IO[bytes], secret: Secret | None) -> None:
        self._file, self._number = file, 0
        self._waiting, self._has_ended = b"", False
        if file.read(len(MAGIC)) != MAGIC:
            raise BackupError("The file is no backup of this portal, or of a later format.")
        line = file.readline(LONGEST_HEADER)
        fields = _fields_of(line)
        self._sealer = _sealer(MAGIC + line, fields, secret)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._waiting) < size and not self._has_ended:
            self._waiting += self._next()
        if len(self._waiting) < size:
            raise BackupError(f"{_DAMAGED}.")
        content, self._waiting = self._waiting[:size], self._waiting[size:]
        return content

    def end(self) -> None:
        """Nothing may follow what was read."""
        if not self._has_ended and not self._waiting:
            self._waiting = self._next()
        if self._waiting or not self._has_ended or self._file.read(1):
            raise BackupError(f"{_DAMAGED}: something follows its end.")

    def _next(self) -> bytes:
        head = self._file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            raise BackupError(f"{_DAMAGED}.")
        length, last = _FRAME.unpack(head)
        if last > 1 or not TAG_BYTES <= length <= 2 * FRAME_BYTES:
            raise BackupError(f"{_DAMAGED}.")
        sealed = self._file.read(length)
        if len(sealed) < length:
            raise BackupError(f"{_DAMAGED}.")
        body = self._sealer.open(self._number, sealed, is_last=bool(last))
        self._number, self._has_ended = self._number + 1, bool(last)
        try:
            return zlib.decompressobj().decompress(body, FRAME_BYTES)
        except zlib.error:
            raise BackupError(f"{_DAMAGED}.") from None


def _fields_of(line: bytes) -> dict[str, str]:
    try:
        fields: Any = json.loads(line)
        cipher = fields["cipher"]
        is_known = cipher == "none" or (
            cipher == "aes-256-gcm"
            and fields["key"] in {SCRYPT, HKDF_SHA256}
            and len(bytes.fromhex(fields["salt"])) == _SALT_BYTES
            and len(bytes.fromhex(fields["prefix"])) == _PREFIX_BYTES
        )
    except (ValueError, KeyError, TypeError):
        is_known = False
    if not is_known:
        raise BackupError(f"{_DAMAGED}: its first lines cannot be read.")
    return dict(fields)


def _sealer(header: bytes, fields: dict[str, str], secret: Secret | None) -> _Sealer:
    if fields["cipher"] == "none":
        if secret is not None:
            raise BackupError("The backup is not encrypted; leave its passphrase or key out.")
        return _Digesting(header)
    if secret is None or secret.function != fields["key"]:
        option = "--passphrase-file" if fields["key"] == SCRYPT else "--key-file"
        raise BackupError(f"The backup is encrypted: name its secret by {option}.")
    return _Encrypting(header, fields, secret)
