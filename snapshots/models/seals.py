"""Seals over batches of audit rows, and what an archive left in their place."""

import uuid

from django.db import models

from snapshots.models.insert_only import InsertOnly


class Seal(InsertOnly):
    """A digest over the rows of a batch, chained to the seal before: `audit/seals/sealing.py`."""

    number = models.BigIntegerField(primary_key=True)  # 1, 2, 3 ... without a gap
    at = models.DateTimeField()
    format = models.PositiveSmallIntegerField()  # which fields, in which spelling
    tables = models.JSONField()  # {"exchange": [after, upto, rows], ...}: seq in (after, upto]
    leaves = models.BinaryField()  # a digest for each row, so that a bad one can be named
    root = models.CharField(max_length=64)  # SHA-256 of the leaves
    previous = models.CharField(max_length=64)  # the digest of the seal before; zeros for the first
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 over all of the above
    key_id = models.CharField(max_length=64, blank=True)  # of the public key; empty: unsigned
    signature = models.CharField(max_length=128, blank=True)  # Ed25519, hexadecimal

    class Meta(InsertOnly.Meta):
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class Tombstone(InsertOnly):
    """Rows that were written to a sealed archive file, and only then removed."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    actor_name = models.CharField(max_length=150)
    first_seal = models.BigIntegerField()
    last_seal = models.BigIntegerField()
    tables = models.JSONField()  # {"exchange": [after, upto, rows], ...}, as in a seal
    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)  # of that file
    key_id = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=128, blank=True)

    class Meta(InsertOnly.Meta):
        ordering = ["-seq"]

    def __str__(self) -> str:
        return f"seals {self.first_seal} to {self.last_seal} archived in {self.file}"
