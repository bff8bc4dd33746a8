"""The key is made once, kept to its owner, and never shown."""

import stat

import pytest
from django.core.management import CommandError, call_command

from snapshots.audit.seals import keys
from snapshots.checks import check_audit_key


def test_new_key_is_private_and_overwrites_nothing(tmp_path, capsys):
    path = tmp_path / "audit.key"
    call_command("audit_keygen", str(path))
    said = capsys.readouterr()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said.out.startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in said.out + said.err
    before = path.read_bytes()
    with pytest.raises(CommandError, match="exists"):
        call_command("audit_keygen", str(path))
    assert path.read_bytes() == before


def test_the_public_half_in_use_is_printed(settings, capsys):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    call_command("audit_keygen", "--public")
    assert capsys.readouterr().out == keys.public_pem(keys.public_key())
    settings.EVSPORTAL_AUDIT_KEY = ""
    with pytest.raises(CommandError, match="not signed"):
        call_command("audit_keygen", "--public")


@pytest.mark.parametrize("text", ["nonsense-secret", "-----BEGIN PRIVATE KEY-----\nabc\n"])
def test_unreadable_key_stops_start_without_showing_it(settings, text):
    settings.EVSPORTAL_AUDIT_KEY = text
    (error,) = check_audit_key()
    assert error.id == "evsportal.E007"
    assert "nonsense" not in error.msg


def test_a_signature_is_good_for_its_purpose_only(settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    signed = keys.sign(keys.SEAL, b"x").signature
    key = keys.public_key()
    assert keys.is_signed_by(key, signed, keys.SEAL, b"x")
    assert not keys.is_signed_by(key, signed, keys.EXPORT, b"x")
    assert not keys.is_signed_by(key, "zz", keys.SEAL, b"x")
