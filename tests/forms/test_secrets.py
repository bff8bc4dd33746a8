"""What looks like a secret, and what people call snapshots."""

import pytest

from snapshots.forms.secrets import looks_secret

# Invented, each in the shape of the real thing.
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
FERNET = "gAAAAABlZ1x0" + "Qm9vZ2llX1dvb2dpZS1wbGFudGVk" * 5 + "=="
SECRETS = {
    "AK and SK": "AK HPUAQ7X2LMZ4T9WB31KD SK pR7vZk2QmN9xLw4TbY6sHd8fGjC3aE5uWo1iX0qK",
    "SK alone": "pR7vZk2QmN9xLw4TbY6sHd8fGjC3aE5uWo1iX0qK",
    "AK=, SK=": "AK=HPUAQ7X2LMZ4T9WB31KD",
    "AWS key": "use AKIAIOSFODNN7EXAMPLE here",
    "AWS secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "JWT": f"see {JWT}",
    "private key": "-----BEGIN RSA PRIVATE KEY----- MIIEow",
    "openssh key": "-----begin openssh private key-----",
    "password=": "password=hunter2",
    "Passwort:": "Passwort: hunter2!",
    "password at the end": "the root password: correcthorse",
    "parola": "parola: Deniz1923",
    "şifre=": "şifre=gizlikelime",
    "json": '{"secret_key": "abcd1234"}',
    "api key": "api-key = 77f3aa",
    "bearer": "Authorization: Bearer abc.def-123",
    "bearer alone": "curl -H Bearer 0a1B2c3D4e5F6g7H8i9J",
    "basic": "authorization: basic YWxpY2U6ZGVtbw==",
    "token header": "X-Auth-Token: abc",
    "address": "postgresql://portal:pw@db/portal",
    "Fernet": FERNET,
    "PKI token": "MII" + "GfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7" * 3,
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ456789",
    "random": "q7Zk2QmN9xLw4TbY6sHd8fGjC3aE5uWo",
    "random, small letters": "k3j9x7q2m5n8b4v6c1z0l2p9o8i7u6y5",
    "random, url": "Zk2-QmN9xLw4TbY6sHd8f_GjC3aE5uWo1iX0qK",
    "random, hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
}
INNOCENT = [
    "",
    "before-upgrade",
    "0b5c7f4e-3d3a-4a51-9a3e-0d8c1f1f7a55",
    "volume-0b5c7f4e-3d3a-4a51-9a3e-0d8c1f1f7a55-snap-0b5c7f4e-3d3a-4a51-9a3e-0d8c1f1f7a55",
    "0a1b2c3d4e5f67890a1b2c3d4e5f6789",  # a project
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "vol-0a1b2c3d4e5f67890-snap-0f9e8d7c6b5a43210",
    "db-01.prod.eu-west-101.example.internal",
    "ip-10-0-0-12-eu-west-101-compute-internal-node-7",
    "ecs-9f3a.tr-west-1.myhuaweicloud.com/backup/2026/11",
    "https://tickets.example.com/browse/CHG-1042?page=2",
    "CHG0012345",
    "INC-2026-000000000000042",
    "REQ1234567890123456789012345678901234",
    "2026-11-25T14:30:00.000Z",
    "20261125-1430-before-the-patch-of-all-the-databases",
    "BeforeUpgradeOfPayrollDatabaseInProduction20261125",
    "nightly_backup_of_payroll_database_cluster_2026_11_25_0300",
    "web01-db02-app03-srv04-cache05-queue06-x",
    "Veritabanı yükseltmesinden önce alınan anlık görüntü, şifre değişikliğinden sonra.",
    "Vor dem Passwortwechsel der Donaudampfschifffahrtselektrizitätenhauptbetriebswerke",
    "Password reset on the server; token rotation is next week.",
    "password: see the vault",
    "Kennwort: siehe Tresor",
    "password=***",
    "password=<left out>",
    "token = ${TOKEN}",
    "secret: none",
    "basic functionality after the basic-configuration-change",
    "Bearer of bad news was the loadbalancer-maintenance team",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12",
    "磁盘快照在升级之前请勿删除请勿删除请勿删除请勿删除请勿删除",
    "task 12: risk 3: ask Deniz",
]


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_secrets_are_seen(text):
    assert looks_secret(text)
    assert looks_secret(f"as told: {text}")


@pytest.mark.parametrize("text", INNOCENT, ids=range(len(INNOCENT)))
def test_what_people_write_is_not_taken_for_one(text):
    assert looks_secret(text) == ""


@pytest.mark.parametrize("key", ["password", "DB_PASSWORD", "adminPassword", "api-key", "tokens"])
def test_a_metadata_key_can_name_a_secret(key):
    assert looks_secret("plain", key=key)
    assert looks_secret("", key=key) == ""
    assert looks_secret("rotated", key=key) == ""


@pytest.mark.parametrize("key", ["team", "token_count", "password-rotation-day", "keyboard"])
def test_other_keys_name_none(key):
    assert looks_secret("plain", key=key) == ""


def test_the_words_never_repeat_what_was_typed():
    for text in SECRETS.values():
        assert len(looks_secret(text)) < 40
        assert not any(part in looks_secret(text) for part in text.split() if len(part) > 7)


@pytest.mark.parametrize("unit", ["password", "=", "eyJ", "-", "a", "aA0", "://a:", "gAAAA"])
def test_endless_texts_take_no_time(unit):
    looks_secret(unit * 500_000, key=unit * 100_000)
