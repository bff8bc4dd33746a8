"""What a backup is encrypted with: a passphrase, or the random bytes of a key file."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from snapshots.management.backup.errors import BackupError

LEAST_KEY_BYTES = 32
LEAST_PASSPHRASE_LENGTH = 12
SCRYPT = "scrypt"
HKDF_SHA256 = "hkdf-sha256"
# 128 MiB and about half a second. A file names its own, at most these: a forged header must not
# make a restore take all memory.
SCRYPT_COST, SCRYPT_BLOCK = 2**17, 8
_INFO = b"evsportal backup 1"


@dataclass(frozen=True, slots=True)
class Secret:
    """The bytes, and by which function the key is made of them."""

    function: str
    content: bytes

    def key_with(self, salt: bytes) -> bytes:
        """The 32 bytes that encrypt the file with this salt."""
        if self.function == SCRYPT:
            function = Scrypt(salt=salt, length=32, n=SCRYPT_COST, r=SCRYPT_BLOCK, p=1)
            return function.derive(self.content)
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_INFO).derive(self.content)


def add_secret_arguments(parser: Any) -> None:
    """The two options that name a file; a secret on a command line would be seen by everybody."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--passphrase-file", help="its first line encrypts the backup")
    either.add_argument("--key-file", help="32 or more random bytes that encrypt the backup")


def secret_of(options: dict[str, Any]) -> Secret | None:
    """The secret that the options name; None without any. Raises `BackupError`."""
    if path := options["passphrase_file"]:
        passphrase = (_read(Path(path)).splitlines() or [b""])[0]
        if len(passphrase) < LEAST_PASSPHRASE_LENGTH:
            raise BackupError(f"{path}: use {LEAST_PASSPHRASE_LENGTH} or more characters.")
        return Secret(SCRYPT, passphrase)
    if path := options["key_file"]:
        content = _read(Path(path))
        if len(content) < LEAST_KEY_BYTES:
            raise BackupError(
                f"{path}: a key has {LEAST_KEY_BYTES} or more random bytes, as"
                " `head -c 32 /dev/urandom` writes them."
            )
        return Secret(HKDF_SHA256, content)
    return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise BackupError(f"{path} is readable by everybody. Run: chmod o-rwx {path}")
            return file.read(1024 * 1024)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}.") from error
