"""The calls about snapshots."""

from collections.abc import Iterator, Mapping

from snapshots.evs.answers import request_id_of
from snapshots.evs.calls import (
    PAGE_SIZE,
    Call,
    CallingClient,
    as_json,
    call_path,
    named,
    read_answer,
)
from snapshots.evs.dialects import RollbackCall
from snapshots.evs.errors import OtherSnapshot, UnreadableAnswer
from snapshots.evs.paging import Listed, listed, tolerantly
from snapshots.evs.types import CloudSnapshot, CreateSnapshot, metadata_from, snapshot_from
from snapshots.evs.wire import CloudAnswer

MOST_ROWS = 1000  # of a page (page A-2097)


class SnapshotCalls(CallingClient):
    """The part of `EvsClient` that is about snapshots."""

    def create_snapshot(self, arguments: CreateSnapshot) -> CloudSnapshot:
        """Ask for a snapshot (page A-2093); it comes back as "creating" and becomes usable later.

        The request is sent once. Only when the cloud rejected the token, and so did nothing, is it
        sent again with a new token. If the error's `outcome_known` is False, a snapshot may exist.
        """
        call = Call(
            purpose="create",
            method="POST",
            path=self._connection.dialect.create,
            body=_create_body(arguments),
        )
        return read_answer(self._ask(call), _snapshot_answer)

    def show_snapshot(self, snapshot_id: str) -> CloudSnapshot:
        """A snapshot (page A-2098); NotFound when it is gone or another project's."""
        path = self._connection.dialect.show
        call = Call(purpose="watch", path=path, identity=named(snapshot_id))
        return _snapshot_with_id(snapshot_id, answer=self._ask_patiently(call))

    def update_snapshot(
        self, snapshot_id: str, *, name: str | None = None, description: str | None = None
    ) -> CloudSnapshot:
        """Replace name or description or both (page A-2095), whatever status the snapshot has.

        The texts are already checked against `limits`; None leaves a field as it is, "" empties it.
        Raises ValueError where nothing is to be replaced. The answer may
        still have the `updated_at` from before. NotFound when the snapshot is gone or another
        project's. If the error's `outcome_known` is False, the texts may have been replaced: read
        the snapshot, or update it again.
        """
        call = Call(
            purpose="rename",
            method="PUT",
            path=self._connection.dialect.update,
            identity=named(snapshot_id),
            body=_update_body(name=name, description=description),
        )
        return _snapshot_with_id(snapshot_id, answer=self._ask_patiently(call))

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Ask to delete a snapshot (page A-2094): it is "deleting", then gone, or available again.

        The request is sent once, as for a creation. NotFound when the snapshot is already gone.
        """
        path = self._connection.dialect.delete
        self._ask(Call(purpose="delete", method="DELETE", path=path, identity=named(snapshot_id)))

    def set_metadata(self, snapshot_id: str, metadata: Mapping[str, str]) -> Mapping[str, str]:
        """Add these entries, or overwrite those of the same keys (page A-2099); all as they are.

        Merges that run at the same time may lose entries, on Cinder at least: read the snapshot
        again. NoSuchApi where the dialect has no calls for metadata.
        """
        return self._change_metadata(snapshot_id, metadata, method="POST")

    def replace_metadata(self, snapshot_id: str, metadata: Mapping[str, str]) -> Mapping[str, str]:
        """Replace all entries by these (page A-2102); errors as for `set_metadata`."""
        return self._change_metadata(snapshot_id, metadata, method="PUT")

    def delete_metadata_key(self, snapshot_id: str, key: str) -> None:
        """Remove an entry (page A-2104); NotFound when there is no such key or snapshot.

        NotFound after a lost answer may mean that the key was removed: its `outcome_known` is
        False then. NoSuchApi where the dialect has no calls for metadata. Raises ValueError for a
        key that cannot be a part of an address: "", "." and "..".
        """
        call = Call(
            purpose="metadata",
            method="DELETE",
            path=f"{self._metadata_path()}/{named(key)}",
            identity=named(snapshot_id),
        )
        self._ask_patiently(call)

    def rollback_snapshot(self, snapshot_id: str, *, volume_id: str, volume_name: str) -> None:
        """Put the snapshot's data back onto its volume, by EVS's own call (page A-2022).

        What the volume holds is lost. Snapshot and volume are "rollbacking", then both available,
        or the volume is "error_rollbacking"; there is no job to poll. Sent once, like a create; if
        the error's `outcome_known` is False, the rollback may have begun. `rollback_call` tells
        which clouds have this call.
        """
        name = {"name": volume_name} if volume_name else {}
        body = {"rollback": {"volume_id": volume_id, **name}}
        call = Call(
            purpose="rollback",
            method="POST",
            path=self._connection.dialect.rollback,
            identity=named(snapshot_id),
            body=as_json(body),
        )
        read_answer(self._ask(call), lambda data: _check_rollback(data, volume_id=volume_id))

    @property
    def rollback_call(self) -> RollbackCall:
        """Which of `rollback_snapshot` and `revert_volume` this cloud speaks."""
        return self._connection.rollback_call

    def list_snapshots(
        self,
        *,
        volume_id: str | None = None,
        status: str | None = None,
        name: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> list[CloudSnapshot]:
        """All matching snapshots of the project, newest first, `limit` (1..1000) a page (A-2097).

        Filters are checked again here, because a cloud ignores a filter that it does not know. A
        row that cannot be read makes the whole list unreadable: it may be the row that is sought.
        """
        texts = {"volume_id": volume_id, "status": status, "name": name}
        filters = tuple((key, value) for key, value in texts.items() if value is not None)
        call = Call(purpose="watch", path=self._connection.dialect.list, query=filters)
        listing = self._list(call, key="snapshots", read_row=snapshot_from)
        rows = listing.read_all(limit=limit)
        return [row for row in rows if all(_fits(row, key, value) for key, value in filters)]

    def list_readable_snapshots(
        self,
        *,
        volume_id: str | None = None,
        ids: frozenset[str] | None = None,
        limit: int = PAGE_SIZE,
    ) -> Listed[CloudSnapshot]:
        """The readable snapshots of the project, or of a volume: an unreadable row does not hide
        the others.

        With `ids`, no more pages are read than are needed to find these.
        """
        filters = () if volume_id is None else (("volume_id", volume_id),)
        call = Call(purpose="watch", path=self._connection.dialect.list, query=filters)
        listing = self._list(call, key="snapshots", read_row=tolerantly(snapshot_from), ids=ids)
        return listed(listing.read_all(limit=limit))

    def snapshot_pages(self, *, limit: int = MOST_ROWS) -> Iterator[Listed[CloudSnapshot]]:
        """The project's whole list, newest first, page by page of `limit` (1..1000) rows (A-2097).

        For lists too long to be held at once: nothing of a page is kept but its ids. A page that
        is too long to be read comes in smaller ones. What is deleted meanwhile may be in a page
        already read, what is created meanwhile comes in none. When so much of a page is deleted
        that the next cannot begin after it, the list begins again: rows that were read come
        again, perhaps changed, so a caller keeps the last of each id. The list is whole only when
        the iterator ends by itself; it raises EvsError in the middle too.
        """
        call = Call(purpose="inventory", path=self._connection.dialect.list)
        listing = self._list(call, key="snapshots", read_row=tolerantly(snapshot_from))
        return (listed(page.rows) for page in listing.pages(limit=limit))

    def _change_metadata(
        self, snapshot_id: str, metadata: Mapping[str, str], *, method: str
    ) -> Mapping[str, str]:
        call = Call(
            purpose="metadata",
            method=method,
            path=self._metadata_path(),
            identity=named(snapshot_id),
            body=as_json({"metadata": dict(metadata)}),
        )
        answer = self._ask_patiently(call)
        return read_answer(answer, lambda data: metadata_from(data.get("metadata")))

    def _metadata_path(self) -> str:
        dialect = self._connection.dialect
        return call_path(dialect.metadata, dialect=dialect, what="a snapshot's metadata")


def _create_body(arguments: CreateSnapshot) -> bytes:
    """An absent name is left out: the documents allow null only for the description."""
    snapshot = {
        "volume_id": arguments.volume_id,
        **({} if arguments.name is None else {"name": arguments.name}),
        "description": arguments.description,
        "force": bool(arguments.force),
        "metadata": dict(arguments.metadata),
    }
    return as_json({"snapshot": snapshot})


def _update_body(*, name: str | None, description: str | None) -> bytes:
    """Only what is to be replaced; never null, since no document allows a null name."""
    given = {"name": name, "description": description}
    texts = {field: text for field, text in given.items() if text is not None}
    if not texts:
        raise ValueError("Neither a name nor a description is to be replaced.")
    return as_json({"snapshot": texts})


def _check_rollback(data: Mapping[str, object], *, volume_id: str) -> None:
    rollback = data.get("rollback")
    answered = rollback.get("volume_id") if isinstance(rollback, dict) else None
    if not isinstance(answered, str) or answered.lower() != volume_id.lower():
        raise UnreadableAnswer("The cloud's answer does not name the volume to be rolled back.")


def _fits(row: CloudSnapshot, key: str, value: str) -> bool:
    """Whether the row has this value; statuses are compared without regard to case, as some clouds
    write capitals.
    """
    text = str(getattr(row, key))
    return text.lower() == value.lower() if key == "status" else text == value


def _snapshot_answer(data: Mapping[str, object]) -> CloudSnapshot:
    return snapshot_from(data.get("snapshot"))


def _snapshot_with_id(snapshot_id: str, *, answer: CloudAnswer) -> CloudSnapshot:
    snapshot = read_answer(answer, _snapshot_answer)
    if snapshot.id.lower() != snapshot_id.lower():
        raise OtherSnapshot(
            "The cloud answered with another snapshot than the one asked for.",
            status=answer.status,
            request_id=request_id_of(answer.headers, None),
        )
    return snapshot
