"""A backup file: whole, private, and refused when anything of it is missing or was changed."""

import hashlib
import io
import json
import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.management.backup.contents import (
    FORMAT,
    KIND,
    MANIFEST,
    BackupReader,
    BackupWriter,
)
from snapshots.management.backup.errors import BackupError
from snapshots.management.backup.frames import FRAME_BYTES, FrameReader, FrameWriter
from snapshots.management.backup.secret import HKDF_SHA256, SCRYPT, Secret, secret_of

KEY = Secret(HKDF_SHA256, bytes(range(32)))
FACTS = {
    "made_at": "2026-03-01T12:00:00+00:00",
    "version": "1",
    "database": "sqlite",
    "mode": "sandbox",
    "migrations": [],
    "rows": {},
    "last_seal": 0,
    "last_seal_digest": "",
    "trail": "Sound",
}
SECRETS = [None, KEY]


def framed(content, secret):
    file = io.BytesIO()
    writer = FrameWriter(file, secret)
    writer.write(content)
    writer.close()
    return file.getvalue()


def unframed(framed, length, secret):
    reader = FrameReader(io.BytesIO(framed), secret)
    content = reader.read(length)
    reader.end()
    return content


def frames_of(framed):
    """The header, and each frame with its length."""
    header = framed.split(b"\n", 2)
    at = len(header[0]) + len(header[1]) + 2
    frames = []
    while at < len(framed):
        length = 5 + int.from_bytes(framed[at : at + 4], "big")
        frames.append(framed[at : at + length])
        at += length
    return b"\n".join(header[:2]) + b"\n", frames


@pytest.mark.parametrize("secret", SECRETS)
@given(length=st.sampled_from([0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1]))
@settings(max_examples=6)
def test_bytes_come_back(secret, length):
    content = bytes(length)
    assert unframed(framed(content, secret), length, secret) == content


@pytest.mark.parametrize("secret", SECRETS)
@given(choice=st.data())
@settings(max_examples=60)
def test_every_changed_byte_is_noticed(secret, choice):
    content = b"rows of a table\n" * 20
    good = framed(content, secret)
    at = choice.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ choice.draw(st.integers(1, 255))]) + good[at + 1 :]
    with pytest.raises(BackupError):
        unframed(bad, len(content), secret)


@pytest.mark.parametrize("secret", SECRETS)
@given(choice=st.data())
@settings(max_examples=40)
def test_every_cut_is_noticed(secret, choice):
    content = b"rows of a table\n" * 20
    good = framed(content, secret)
    with pytest.raises(BackupError):
        unframed(good[: choice.draw(st.integers(0, len(good) - 1))], len(content), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_moved_or_missing_frames_are_noticed(secret):
    content = bytes(3 * FRAME_BYTES)
    header, frames = frames_of(framed(content, secret))
    first, second, last = frames
    for other in (
        [second, first, last],
        [first, last],
        [first, first, second, last],
        [first, second],
        [first, second, last, last],
        [first, second, last, b"x"],
    ):
        with pytest.raises(BackupError):
            unframed(header + b"".join(other), len(content), secret)


def test_frames_of_two_files_do_not_mix():
    content = bytes(2 * FRAME_BYTES)
    header, (first, _) = frames_of(framed(content, KEY))
    _, (_, last) = frames_of(framed(content, KEY))
    with pytest.raises(BackupError):
        unframed(header + first + last, len(content), KEY)


def test_content_of_an_encrypted_file_cannot_be_read():
    text = os.urandom(200)  # which compression leaves as it is
    assert text in framed(text, None)
    assert text not in framed(text, KEY)


@pytest.mark.parametrize(
    ("made_with", "read_with", "sentence"),
    [
        (KEY, None, "is encrypted: name its secret by --key-file"),
        (Secret(SCRYPT, b"correct horse"), KEY, "name its secret by --passphrase-file"),
        (None, KEY, "is not encrypted"),
        (KEY, Secret(HKDF_SHA256, bytes(32)), "this is not its passphrase or key"),
    ],
)
def test_wrong_secret_is_named_as_such(made_with, read_with, sentence):
    with pytest.raises(BackupError, match=sentence):
        unframed(framed(b"rows", made_with), 4, read_with)


def test_passphrase_opens_what_it_closed():
    secret = Secret(SCRYPT, b"correct horse battery")
    assert unframed(framed(b"rows", secret), 4, secret) == b"rows"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"evsportal-backup 2\n{}\n"])
def test_foreign_file_is_no_backup(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BackupError, match="no backup of this portal"):
        list(BackupReader(path, None).parts())


def test_manifest_is_there_only_after_all_was_read(tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        writer = BackupWriter(file, None)
        writer.part("database", b"1")
        writer.part("database", b"2")
        manifest = writer.finish(FACTS)
    reader = BackupReader(path, None)
    parts = reader.parts()
    assert next(parts) == ("database", b"1")
    with pytest.raises(ValueError, match="not read to the end"):
        _ = reader.manifest
    assert list(parts) == [("database", b"2")]
    assert reader.manifest == manifest


@pytest.mark.parametrize(
    "forged",
    [
        {"made_at": "never"},
        {"made_at": "2026-03-01T12:00:00"},
        {"made_at": 1},
        {"rows": ["auth_user"]},
        {"rows": {"auth_user": "many"}},
        {"rows": None},
        {"migrations": None},
        {"migrations": [1]},
        {"trail": None},
        {"last_seal": "1"},
        {"mode": ["sandbox"]},
        {"more": 1},
    ],
)
def test_forged_manifest_is_refused_in_words(forged, tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        writer = BackupWriter(file, None)
        writer.part("database", b"1")
        digests = {"database": hashlib.sha256(b"1").hexdigest()}
        facts = FACTS | {"digests": digests, "kind": KIND, "format": FORMAT} | forged
        writer.part(MANIFEST, json.dumps(facts).encode())
        writer._frames.close()
    with pytest.raises(BackupError, match="its manifest cannot be read"):
        list(BackupReader(path, None).parts())


@pytest.mark.parametrize(
    ("option", "content", "mode", "sentence"),
    [
        ("passphrase_file", b"short", 0o600, "12 or more characters"),
        ("key_file", b"x" * 31, 0o600, "32 or more random bytes"),
        ("key_file", b"x" * 32, 0o644, "readable by everybody"),
        ("key_file", None, 0o600, "No such file"),
    ],
)
def test_poor_secret_is_refused(option, content, mode, sentence, tmp_path):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    options = {"passphrase_file": None, "key_file": None, option: str(path)}
    with pytest.raises(BackupError, match=sentence):
        secret_of(options)


def test_passphrase_is_the_first_line(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"correct horse battery\nnotes\n")
    path.chmod(stat.S_IRUSR)
    secret = secret_of({"passphrase_file": str(path), "key_file": None})
    assert secret == Secret(SCRYPT, b"correct horse battery")
