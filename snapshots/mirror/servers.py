"""Writes the names of a cloud's servers, and puts them into the rows of volumes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.database.transactions import lock_rows
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudServer
from snapshots.models import Server, Volume

# A list may lack servers that are there: Nova leaves out those of a cell that is down.
KEPT_WHEN_GONE = timedelta(days=30)
_COLUMNS = ("name", "given_name", "gone_at")
_FEW = 900  # as a rule more than the servers of all volumes that are stored at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerNames:
    """What is known of a cloud's servers now. None: it could not be read, so what is stored of it
    stays.
    """

    listed: Listed[CloudServer] | None  # by the cloud
    given: Mapping[str, str] | None  # by the file: names by ids


@dataclass(frozen=True, slots=True)
class ServerChanges:
    """Only what is not stored as it is."""

    changed: list[Server]
    dropped: list[Server]


def changes_of_servers(cloud: str, names: ServerNames, *, now: datetime) -> ServerChanges:
    """What is to be written, so that the rows say what is known. Writes nothing."""
    stored = {row.server_id: row for row in Server.objects.filter(cloud=cloud)}
    listed = {row.id: row.name for row in names.listed.rows} if names.listed else {}
    changes = ServerChanges([], [])
    for server_id in sorted({*stored, *listed, *(names.given or ())}):
        before = stored.get(server_id) or Server(cloud=cloud, server_id=server_id)
        row = Server(
            cloud=cloud,
            server_id=server_id,
            name=listed.get(server_id, before.name),
            given_name=before.given_name if names.given is None else names.given.get(server_id, ""),
            gone_at=_gone_at(before, names.listed, is_listed=server_id in listed, now=now),
        )
        if _is_over(row, now):
            changes.dropped.extend([before] if before.pk else [])
        elif not before.pk or _columns(row) != _columns(before):
            changes.changed.append(row)
    return changes


def _gone_at(
    before: Server, listed: Listed[CloudServer] | None, *, is_listed: bool, now: datetime
) -> datetime | None:
    if is_listed:
        return None
    is_lacking = listed is not None and listed.is_whole
    return before.gone_at or (now if is_lacking else None)


def _is_over(row: Server, now: datetime) -> bool:
    """Nothing is known of it, or it is long gone."""
    if row.given_name:
        return False
    return not row.name or (row.gone_at is not None and now - row.gone_at > KEPT_WHEN_GONE)


def _columns(row: Server) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in _COLUMNS)


def store_servers(changed: Sequence[Server]) -> None:
    """Called in a transaction that holds the duty that reads them."""
    Server.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["cloud", "server_id"],
        update_fields=_COLUMNS,
    )


def drop_servers(dropped: Sequence[Server]) -> None:
    """Called as `store_servers`."""
    Server.objects.filter(pk__in=[row.pk for row in dropped]).delete()


# --- in the rows of volumes ------------------------------------------------------------------


def server_names(cloud: str, server_ids: Iterable[str]) -> dict[str, str]:
    """The names by ids, at least of these servers where one is known."""
    ids = set(server_ids)
    rows = Server.objects.filter(cloud=cloud)
    if len(ids) <= _FEW:
        rows = rows.filter(server_id__in=ids)
    return {row.server_id: row.label for row in rows}


def named(server_ids: Iterable[str] | None, names: Mapping[str, str]) -> dict[str, str] | None:
    """What the row of a volume says of its servers' names; None: none is known."""
    return {key: names[key] for key in server_ids or () if names.get(key)} or None


def misnamed_volumes(cloud: str) -> list[int]:
    """The keys of the volumes whose rows say other names of their servers than are known."""
    volumes = Volume.objects.filter(cloud=cloud, gone_at=None, server_ids__isnull=False)
    rows = list(volumes.order_by("pk").values_list("pk", "server_ids", "server_names"))
    names = server_names(cloud, (key for _pk, keys, _before in rows for key in keys or ()))
    return [pk for pk, keys, before in rows if named(keys, names) != before]


def name_servers_of(cloud: str, keys: Sequence[int]) -> None:
    """Write the names that are known into these volumes' rows. Called in a transaction."""
    volumes = Volume.objects.filter(pk__in=keys, server_ids__isnull=False)
    lock_rows(volumes)
    rows = list(volumes.only("pk", "server_ids", "server_names"))
    names = server_names(cloud, (key for row in rows for key in row.server_ids or ()))
    changed: list[Volume] = []
    for row in rows:
        before, row.server_names = row.server_names, named(row.server_ids, names)
        if row.server_names != before:
            changed.append(row)
    Volume.objects.bulk_update(changed, ["server_names"])
