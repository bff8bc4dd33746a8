"""Backups of the database of the test."""

import io

from snapshots.management.backup.contents import BackupReader
from snapshots.management.backup.making import make_backup
from snapshots.management.backup.restoring import RestoreOrder, restore_backup
from snapshots.management.progress import Progress
from snapshots.models import Worker


def quiet():
    return Progress(io.StringIO())


def backed_up(place, *, secret=None, keys=()):
    return make_backup(place, secret=secret, public_keys=keys, progress=quiet())


def restored(path, *, secret=None, **order):
    """With the worker stopped, as its operator would have done."""
    Worker.objects.all().delete()
    reader = BackupReader(path, secret)
    order = RestoreOrder(**{"replace": True} | order)
    return restore_backup(path, reader, order=order, progress=quiet())
