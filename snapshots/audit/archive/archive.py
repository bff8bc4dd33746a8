"""Takes old records out of the trail: into a file, which is proved, and only then out of the
database. Whatever breaks it off, the next run goes on where it stood.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import output_at
from snapshots.audit.archive.plan import Batch, batch_of, plan
from snapshots.audit.archive.proof import NotProvenError, prove
from snapshots.audit.archive.removal import remains, remove
from snapshots.audit.database.settled import WritersBusyError
from snapshots.audit.record.actions import COMMAND_LINE, record
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import latest_seal, seal_new_rows
from snapshots.audit.seals.verify import tombstone_message, verify
from snapshots.database.locks import ARCHIVE, BusyError, process_lock
from snapshots.models import ActionCode, Seal, Tombstone

Say = Callable[[str], None]
SEALING_TRIES = 10
_TICK = timedelta(microseconds=1)


class ArchiveError(Exception):
    """Why the archive stops, in a sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to archive, and where."""

    folder: Path
    before: datetime
    old_keys: Sequence[Ed25519PublicKey] = ()  # of seals from before the key in use
    unsigned: bool = False  # they know that without a key nothing is proved


def preview(order: Order, *, say: Say) -> None:
    """Say what `archive` would do. Raises `ArchiveError` where it would."""
    _check(order)
    for stone in _unfinished():
        say(f"The removal of what is in {stone.file} broke off: it would be gone on with.")
    due = plan(before=order.before)
    if due.held_back:
        say(due.held_back)
    if due.batch is None:
        say("Nothing to archive.")
        return
    say(f"{_described(due.batch)}.")
    path = order.folder / due.batch.file
    say(f"These would be written to {path}, proved, and then removed here. The seals stay.")


def archive(order: Order, *, say: Say) -> None:
    """Archive what is due, after finishing what an earlier run left.

    Raises `ArchiveError`; nothing is removed then that is not in a file that was proved.
    """
    try:
        with process_lock(ARCHIVE):
            _check(order)
            for stone in _unfinished():
                _resume_removal(stone, order, say)
            _archive_all(order, say)
    except BusyError:
        raise ArchiveError("Another archive is being made just now. Nothing was done.") from None


def _archive_all(order: Order, say: Say) -> None:
    due = plan(before=order.before)
    if due.held_back:
        say(due.held_back)
    if due.batch is None:
        say("Nothing to archive.")
    while due.batch is not None:
        _archive(_left_behind(order.folder, due.batch) or due.batch, order, say)
        due = plan(before=order.before)


def _archive(batch: Batch, order: Order, say: Say) -> None:
    path = order.folder / batch.file
    if path.exists():
        say(f"{path} is there already, from a run that broke off.")
    else:
        _write(path, batch)
        say(f"Written to {path}: {_described(batch)}.")
    sha256 = _proved(path, batch, order)
    say(f"Read back and proved: {batch.sealed} rows, SHA-256 {sha256}.")
    _finish(_write_tombstone(batch, sha256), say)


def _described(batch: Batch) -> str:
    seals = f"Seals {batch.first} to {batch.last}" if batch.seals > 1 else f"Seal {batch.first}"
    return f"{seals}, {batch.rows} rows, recorded until {batch.until:%Y-%m-%d %H:%M} UTC"


# --- what must hold before anything is done --------------------------------------------------


def _check(order: Order) -> None:
    if not order.folder.is_dir():
        raise ArchiveError(f"{order.folder} is no folder. Make it, or mount it, and try again.")
    _check_key(order)
    _check_rights()
    beyond = (latest.number if (latest := latest_seal()) else 0) + 1
    report = verify(key=keys.public_key(), old_keys=order.old_keys, since=beyond)
    if report.damage:
        message = f"The trail is damaged, so nothing is taken from it: {report.damage.message}"
        raise ArchiveError(f"{message} See `manage audit_verify`.")
    _check_tombstones()


def _check_key(order: Order) -> None:
    """A tombstone must bear the key that auditors know from the seals."""
    key = keys.public_key()
    if key is None and not order.unsigned:
        message = (
            "EVSPORTAL_AUDIT_KEY is not set: an archive would prove nothing, and neither would "
        )
        raise ArchiveError(message + "what it leaves here. --unsigned does it all the same.")
    newest = latest_seal()
    used = newest.key_id if newest else ""
    if used and (key is None or keys.key_id_of(key) != used):
        message = f"The newest seal bears the key {used:.16}, and EVSPORTAL_AUDIT_KEY is "
        raise ArchiveError(message + (f"{keys.key_id_of(key):.16}." if key else "not set."))


def _check_rights() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('snapshots_exchange', 'DELETE'), current_user")
        may, role = cursor.fetchone()
    if not may:
        message = f"The role {role} may not remove rows. Archives are made by the role that "
        raise ArchiveError(message + "`manage audit_roles` calls the archive's, or by the owner.")


def _check_tombstones() -> None:
    """One after the other, each of exactly the rows that its seals know."""
    first = 1
    for stone in Tombstone.objects.order_by("seq"):
        with suppress(Seal.DoesNotExist):
            batch = batch_of(first, stone.last_seal)
            if stone.first_seal == first and stone.tables == batch.tables:
                first = stone.last_seal + 1
                continue
        raise ArchiveError(f"Tombstone {stone.seq} is not one that archives leave: it is forged.")


def _unfinished() -> Iterator[Tombstone]:
    for stone in Tombstone.objects.order_by("seq"):
        if remains(stone):
            yield stone


# --- the steps -------------------------------------------------------------------------------


def _left_behind(folder: Path, batch: Batch) -> Batch | None:
    """A shorter archive that begins alike: a run wrote it, and died before its tombstone."""
    lasts = [
        int(match[1])
        for path in folder.glob(f"audit-{batch.first:08}-*.zip")
        if (match := re.fullmatch(r"audit-\d+-(\d+)\.zip", path.name))
    ]
    shorter = max((last for last in lasts if batch.first <= last < batch.last), default=None)
    if shorter is None:
        return None
    left = batch_of(batch.first, shorter)
    return left if plan(before=left.until + _TICK).batch == left else None


def _write(path: Path, batch: Batch) -> None:
    record(
        ActionCode.AUDIT_EXPORTED,
        actor_name=COMMAND_LINE,
        details={"to": path.name, "seals": f"{batch.first} to {batch.last}"},
    )
    try:
        with output_at(path) as output:
            request = ExportRequest(COMMAND_LINE, since=batch.first, until=batch.last, archive=True)
            write_export(output, request)
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}. Nothing was removed.") from error


def _proved(path: Path, batch: Batch, order: Order) -> str:
    """The file's SHA-256, once it has been read back and found to hold what it should."""
    key = keys.public_key()
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        prove(path, batch, [key, *order.old_keys] if key else [])
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}. Nothing was removed.") from error
    except NotProvenError as error:
        message = f"{path} does not prove seals {batch.first} to {batch.last}: {error} Nothing was "
        raise ArchiveError(f"{message}removed; move the file away before you try again.") from error
    return sha256


def _write_tombstone(batch: Batch, sha256: str) -> Tombstone:
    stone = Tombstone(
        at=timezone.now(),
        actor_name=COMMAND_LINE,
        first_seal=batch.first,
        last_seal=batch.last,
        tables=batch.tables,
        file=batch.file,
        sha256=sha256,
    )
    signed = keys.sign(keys.TOMBSTONE, tombstone_message(stone))
    stone.key_id, stone.signature = signed.key_id, signed.signature
    with transaction.atomic():
        record(
            ActionCode.AUDIT_ARCHIVED,
            actor_name=COMMAND_LINE,
            subject=batch.file,
            details={
                "seals": f"{batch.first} to {batch.last}",
                "rows": str(batch.rows),
                "SHA-256": sha256,
            },
        )
        stone.save()
    return stone


def _resume_removal(stone: Tombstone, order: Order, say: Say) -> None:
    """Its rows are removed only against its own file, as it was."""
    say(f"The removal of what is in {stone.file} broke off; going on.")
    path = order.folder / stone.file
    if _proved(path, batch_of(stone.first_seal, stone.last_seal), order) != stone.sha256:
        message = f"{path} is not the file that tombstone {stone.seq} tells of, by its SHA-256."
        raise ArchiveError(f"{message} Nothing more was removed.")
    _finish(stone, say)


def _finish(stone: Tombstone, say: Say) -> None:
    _seal(stone)
    rows = remove(stone)
    say(f"{rows} rows are removed; tombstone {stone.seq} stands for them.")


def _seal(stone: Tombstone) -> None:
    """Nothing is removed for a tombstone that is not in the chain."""
    for _ in range(SEALING_TRIES):
        # The worker may be sealing at the same moment, or somebody writes for long.
        with suppress(WritersBusyError, IntegrityError):
            seal_new_rows(at_once=True)
        newest = latest_seal()
        if newest is not None and newest.tables["tombstone"][1] >= stone.seq:
            return
        time.sleep(0.5)
    message = "The trail could not be sealed: somebody writes to it for long. "
    raise ArchiveError(message + "Nothing was removed yet; run it again to go on.")
