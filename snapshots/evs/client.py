"""The calls of the block storage API."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from snapshots.evs.answers import read_object, request_id_of
from snapshots.evs.auth import Grant
from snapshots.evs.connection import Connection
from snapshots.evs.errors import (
    EvsError,
    OtherSnapshot,
    ServerFault,
    Throttled,
    Unreachable,
    UnreadableAnswer,
    error_from_answer,
)
from snapshots.evs.paging import (
    Listed,
    Listing,
    Page,
    Position,
    RowT,
    listed,
    page_from,
    tolerantly,
)
from snapshots.evs.signing import escaped, query_string
from snapshots.evs.types import (
    CloudSnapshot,
    CloudVolume,
    CreateSnapshot,
    Quotas,
    quotas_from,
    snapshot_from,
    volume_from,
)
from snapshots.evs.wire import CloudAnswer, Outgoing, Recorder

# A project's whole list in few calls, and with room to spare below the wire's longest answer.
PAGE_SIZE = 200
_PAUSES_SECONDS = (0.5, 2.0)
_LONGEST_PAUSE_SECONDS = 10.0
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Language": "en-us",  # Huawei's error messages can be Chinese otherwise
}
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A request before its sender and address are resolved."""

    purpose: str
    path: str
    method: str = "GET"
    identity: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class EvsClient:
    """A client for one unit of work with one cloud: cheap to build, its exchanges go to one
    recorder.

    Calls that do no harm when repeated (reading, updating) are sent again, after each of the
    `pauses_seconds`, when no answer, a server fault or throttling comes back; callers who schedule
    their own retries pass no pauses. `purpose` says why requests are sent, for the recorder; by
    default each kind of call has its own purpose (that of a login is always "login").

    Every method raises an EvsError when it does not succeed, and what the recorder raises.
    """

    def __init__(
        self,
        connection: Connection,
        recorder: Recorder,
        *,
        purpose: str = "",
        pauses_seconds: Sequence[float] = _PAUSES_SECONDS,
    ) -> None:
        self._pauses_seconds = tuple(pauses_seconds)
        self._connection = connection
        self._recorder = recorder
        self._purpose = purpose
        self.requests = 0  # sent so far, sign-ins aside

    def create_snapshot(self, arguments: CreateSnapshot) -> CloudSnapshot:
        """Ask for a snapshot (page A-2093); it comes back as "creating" and becomes usable later.

        The request is sent once. Only when the cloud rejected the token, and so did nothing, is it
        sent again with a new token. If the error's `outcome_known` is False, a snapshot may exist.
        """
        call = _Call(
            purpose="create",
            method="POST",
            path=self._connection.dialect.create,
            body=_create_body(arguments),
        )
        return _read(self._ask(call), _snapshot_answer)

    def show_snapshot(self, snapshot_id: str) -> CloudSnapshot:
        """A snapshot (page A-2098); NotFound when it is gone or another project's."""
        path = self._connection.dialect.show
        call = _Call(purpose="watch", path=path, identity=_named(snapshot_id))
        return _snapshot_with_id(snapshot_id, answer=self._ask_patiently(call))

    def update_snapshot(
        self, snapshot_id: str, *, name: str | None, description: str | None
    ) -> CloudSnapshot:
        """Replace name and description (page A-2095), whatever status the snapshot has.

        Both texts are already checked against `limits`; None empties the field. The answer may
        still have the `updated_at` from before. NotFound when the snapshot is gone or another
        project's. If the error's `outcome_known` is False, the texts may have been replaced: read
        the snapshot, or update it again.
        """
        call = _Call(
            purpose="rename",
            method="PUT",
            path=self._connection.dialect.update,
            identity=_named(snapshot_id),
            body=_update_body(name=name, description=description),
        )
        return _snapshot_with_id(snapshot_id, answer=self._ask_patiently(call))

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Ask to delete a snapshot (page A-2094): it is "deleting", then gone, or available again.

        The request is sent once, as for a creation. NotFound when the snapshot is already gone.
        """
        path = self._connection.dialect.delete
        self._ask(_Call(purpose="delete", method="DELETE", path=path, identity=_named(snapshot_id)))

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
        call = _Call(purpose="watch", path=self._connection.dialect.list, query=filters)
        rows = self._list(call, key="snapshots", read_row=snapshot_from, limit=limit)
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
        call = _Call(purpose="watch", path=self._connection.dialect.list, query=filters)
        read_row = tolerantly(snapshot_from)
        rows = self._list(call, key="snapshots", read_row=read_row, limit=limit, ids=ids)
        return listed(rows)

    def list_volumes(self, *, limit: int = PAGE_SIZE) -> Listed[CloudVolume]:
        """All readable volumes of the project, `limit` (1..1000) a page (pages A-2069, A-2006)."""
        call = _Call(purpose="inventory", path=self._connection.dialect.volumes)
        read_row = tolerantly(volume_from)
        return listed(self._list(call, key="volumes", read_row=read_row, limit=limit))

    def show_volume(self, volume_id: str) -> CloudVolume:
        """A volume; NotFound when it is gone or another project's."""
        path = self._connection.dialect.volume
        call = _Call(purpose="inventory", path=path, identity=_named(volume_id))
        answer = self._ask_patiently(call)
        return _read(answer, lambda data: volume_from(data.get("volume")))

    def quotas(self) -> Quotas:
        """The project's limits and what it uses of them (page A-2073)."""
        call = _Call(
            purpose="quota", path=self._connection.dialect.quota, query=(("usage", "True"),)
        )
        return _read(self._ask_patiently(call), lambda data: quotas_from(data.get("quota_set")))

    def endpoint(self) -> str:
        """The address of all other calls, with the project's id; signs in if necessary."""
        return self._connection.base_url(self._grant())

    def ping(self) -> str:
        """Sign in and make the smallest call; returns a sentence that says what answered."""
        call = _Call(purpose="ping", path=self._connection.dialect.list, query=(("limit", "1"),))
        _read(
            self._ask(call), lambda data: page_from(data, key="snapshots", read_row=snapshot_from)
        )
        where = self._connection.base_url(self._grant())
        return f"{self._connection.name}: {where} answers ({self._connection.dialect.name})"

    def _list(
        self,
        call: _Call,
        *,
        key: str,
        read_row: Callable[[object], RowT],
        limit: int,
        ids: frozenset[str] | None = None,
    ) -> list[RowT]:
        def fetch(position: Position) -> Page[RowT]:
            page = _Call(purpose=call.purpose, path=call.path, query=(*call.query, *position))
            answer = self._ask_patiently(page)
            return _read(answer, lambda data: page_from(data, key=key, read_row=read_row))

        paging = self._connection.dialect.paging
        return Listing(fetch=fetch, paging=paging, ids=ids).read_all(limit=limit)

    def _ask_patiently(self, call: _Call) -> CloudAnswer:
        """For calls that may be repeated: send again when that may help.

        A refusal of the last attempt says nothing about the attempts before it, so the outcome is
        known only when it is known for all attempts.
        """
        outcome_known = True
        for pause in (*self._pauses_seconds, None):
            try:
                return self._ask(call)
            except EvsError as error:
                outcome_known = outcome_known and error.outcome_known
                error.outcome_known = outcome_known
                wait = _seconds_to_wait(error, pause=pause)
                if wait is None:
                    raise
            self._connection.clock.sleep(wait)
        raise AssertionError("The last attempt returns or raises.")

    def _ask(self, call: _Call) -> CloudAnswer:
        """Send once, or again with a new token when the cloud rejected the token."""
        grant = self._grant()
        answer = self._send(call, grant=grant)
        error = _error_in(answer)
        if error and error.token_rejected and self._connection.auth.drop(grant):
            answer = self._send(call, grant=self._grant())
            error = _error_in(answer)
        if error:
            error.strike((grant.token, *self._connection.secrets))
            raise error
        return answer

    def _grant(self) -> Grant:
        try:
            return self._connection.auth.grant(self._transmit)
        except EvsError as error:
            error.strike(self._connection.secrets)
            raise

    def _send(self, call: _Call, *, grant: Grant) -> CloudAnswer:
        path = call.path.format(id=call.identity, project_id=escaped(grant.project_id))
        query = f"?{query_string(call.query)}" if call.query else ""
        url = f"{self._connection.base_url(grant)}{path}{query}"
        self._connection.pacer.wait()
        self.requests += 1
        outgoing = Outgoing(
            purpose=self._purpose or call.purpose,
            method=call.method,
            url=url,
            headers=self._connection.auth.sign(
                grant, method=call.method, url=url, headers=_HEADERS, body=call.body
            ),
            body=call.body,
        )
        return self._transmit(outgoing)

    def _transmit(self, outgoing: Outgoing) -> CloudAnswer:
        try:
            return self._connection.wire.send(outgoing, recorder=self._recorder)
        except EvsError as error:
            # A proxy or a broken answer may repeat what it was sent.
            error.strike((outgoing.headers.get("X-Auth-Token", ""), *self._connection.secrets))
            raise


def _create_body(arguments: CreateSnapshot) -> bytes:
    """An absent name is left out: the documents allow null only for the description."""
    snapshot = {
        "volume_id": arguments.volume_id,
        **({} if arguments.name is None else {"name": arguments.name}),
        "description": arguments.description,
        "force": bool(arguments.force),
        "metadata": dict(arguments.metadata),
    }
    return json.dumps({"snapshot": snapshot}, ensure_ascii=False).encode()


def _update_body(*, name: str | None, description: str | None) -> bytes:
    """Empty texts instead of null: no document allows a null name."""
    texts = {"name": name or "", "description": description or ""}
    return json.dumps({"snapshot": texts}, ensure_ascii=False).encode()


def _seconds_to_wait(error: EvsError, *, pause: float | None) -> float | None:
    """How long to wait before the next attempt; None when none should follow."""
    if pause is None or not isinstance(error, Unreachable | ServerFault | Throttled):
        return None
    wait = max(pause, error.retry_after or 0)
    return wait if wait <= _LONGEST_PAUSE_SECONDS else None  # the caller can wait better


def _named(identity: str) -> str:
    """An id as a path segment. Raises ValueError for an id that would name another path."""
    if identity in {"", ".", ".."}:
        raise ValueError("An id is needed.")
    return escaped(identity)


def _fits(row: CloudSnapshot, key: str, value: str) -> bool:
    """Whether the row has this value; statuses are compared without regard to case, as some clouds
    write capitals.
    """
    text = str(getattr(row, key))
    return text.lower() == value.lower() if key == "status" else text == value


def _snapshot_answer(data: Mapping[str, object]) -> CloudSnapshot:
    return snapshot_from(data.get("snapshot"))


def _snapshot_with_id(snapshot_id: str, *, answer: CloudAnswer) -> CloudSnapshot:
    snapshot = _read(answer, _snapshot_answer)
    if snapshot.id.lower() != snapshot_id.lower():
        raise OtherSnapshot(
            "The cloud answered with another snapshot than the one asked for.",
            status=answer.status,
            request_id=request_id_of(answer.headers, None),
        )
    return snapshot


def _error_in(answer: CloudAnswer) -> EvsError | None:
    if 200 <= answer.status < 300:
        return None
    return error_from_answer(answer.status, answer.headers, answer.body)


def _read(answer: CloudAnswer, read: Callable[[Mapping[str, object]], ResultT]) -> ResultT:
    """What `read` makes of the answer; UnreadableAnswer, with status and request id, if nothing."""
    try:
        return read(read_object(answer.body))
    except UnreadableAnswer as error:
        why = error.message
    except ValueError as error:
        why = f"The cloud's answer could not be read: {error}."
    raise UnreadableAnswer(
        why, status=answer.status, request_id=request_id_of(answer.headers, None)
    )
