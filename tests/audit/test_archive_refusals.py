"""Nothing is archived or removed where the least is not as it should be."""

import pytest
from archive_scene import ARCHIVABLE, archive, sealed, state
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone
from trail_scene import fill

from snapshots.audit.database import guards
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.models import Exchange, Seal, Tombstone

pytestmark = pytest.mark.django_db


def refused(folder, message, **facts):
    before = state()
    with pytest.raises(CommandError, match=message):
        archive(folder, **facts)
    after = state()
    assert {table: after[table] >= before[table] for table in before} == dict.fromkeys(before, True)
    assert Tombstone.objects.count() == 0


def test_archive_without_key_needs_unsigned_option(folder, settings):
    sealed(lambda: fill(10))
    refused(folder, "prove nothing")
    archive(folder, unsigned=True)
    assert (Tombstone.objects.get().signature, Exchange.objects.count()) == ("", 0)
    assert verify().damage is None


@pytest.mark.parametrize("unsigned", [False, True])
def test_another_key_than_the_seals_is_refused(trail, folder, settings, unsigned):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    refused(folder, "The newest seal bears the key", unsigned=unsigned)


def test_a_lost_key_is_refused(trail, folder, settings):
    settings.EVSPORTAL_AUDIT_KEY = ""
    refused(folder, "not set", unsigned=True)


def test_seals_of_an_old_key_need_its_public_key(folder, tmp_path, settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    old = keys.public_key()
    sealed(lambda: fill(10))
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    sealed(lambda: fill(10, seed=2))
    refused(folder, "names the key")
    (tmp_path / "old.pem").write_text(keys.public_pem(old))
    archive(folder, key=str(tmp_path / "old.pem"))
    assert Exchange.objects.count() == 0
    assert verify(key=keys.public_key(), old_keys=[old]).damage is None


def test_a_full_disk_removes_nothing(trail, folder):
    (folder / "audit-00000001-00000004.zip.part").symlink_to("/dev/full")
    refused(folder, "No space left on device. Nothing was removed")
    assert list(folder.iterdir()) == []
    archive(folder)
    assert Tombstone.objects.count() == 1


def test_missing_folder_is_refused_and_not_made(trail, folder):
    refused(folder / "not-mounted", "is no folder")
    (folder / "file").write_text("")
    refused(folder / "file", "is no folder")
    assert not (folder / "not-mounted").exists()


def test_foreign_file_is_left_alone(trail, folder):
    path = folder / "audit-00000001-00000004.zip"
    path.write_text("somebody's")
    refused(folder, "move the file away")
    assert path.read_text() == "somebody's"


def test_an_export_of_another_portal_proves_nothing_here(trail, folder, settings):
    """Sound in itself and signed, but not over this database's rows."""
    made = folder / "audit-00000001-00000004.zip"
    archive(folder)
    connection.check_constraints()
    guards.lift()
    with connection.cursor() as cursor:
        for table in (*ARCHIVABLE, "tombstone", "seal", "entry"):
            cursor.execute(f"DELETE FROM snapshots_{table}")
    guards.install()
    sealed(lambda: fill(seed=5))
    assert made.exists()
    refused(folder, "move the file away")


def test_damaged_rows_are_not_archived(trail, folder):
    connection.check_constraints()
    guards.lift()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq = "
            "(SELECT min(seq) FROM snapshots_exchange)"
        )
    connection.check_constraints()
    guards.install()
    refused(folder, "was changed")


def test_forged_tombstone_excuses_no_missing_row(trail, folder):
    tables = Seal.objects.get(number=1).tables
    Tombstone.objects.create(
        at=timezone.now(),
        actor_name="mallory",
        first_seal=1,
        last_seal=1,
        tables=tables,
        file="f",
        sha256="0",
    )
    seal_new_rows(at_once=True)
    with pytest.raises(CommandError, match="forged"):
        archive(folder)
