"""A call, and how it is sent: once, or again where that does no harm."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from snapshots.evs.answers import read_object, request_id_of
from snapshots.evs.auth import Grant
from snapshots.evs.connection import Connection
from snapshots.evs.dialects import Api, Dialect, Paging
from snapshots.evs.errors import (
    EvsError,
    NoSuchApi,
    ServerFault,
    Throttled,
    Unreachable,
    UnreadableAnswer,
    error_from_answer,
)
from snapshots.evs.paging import Listing, Page, Position, RowT, page_from
from snapshots.evs.signing import escaped, query_string
from snapshots.evs.wire import CloudAnswer, Outgoing, Recorder

# A project's whole list in few calls, and with room to spare below the wire's longest answer.
PAGE_SIZE = 200
PAUSES_SECONDS = (0.5, 2.0)
_LONGEST_PAUSE_SECONDS = 10.0
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Language": "en-us",  # otherwise Huawei may answer errors in Chinese
}
# OpenStack's services log an id of this header with what they do for the request, and pass it on:
# oslo.middleware, `request_id.py`, INBOUND_HEADER and ID_FORMAT ("req-" and a UUID).
GLOBAL_ID = "X-Openstack-Request-Id"
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request before its sender and address are resolved. Without `api` it is the dialect's."""

    purpose: str
    path: str
    api: Api | None = None
    method: str = "GET"
    identity: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


class CallingClient:
    """What all calls of `EvsClient` need; its docstring explains the arguments."""

    def __init__(
        self,
        connection: Connection,
        recorder: Recorder,
        *,
        purpose: str = "",
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        cause: uuid.UUID | None = None,
    ) -> None:
        self._pauses_seconds = tuple(pauses_seconds)
        self._connection = connection
        self._recorder = recorder
        self._purpose = purpose
        self._cause = cause
        self.requests = 0  # sent so far, sign-ins aside

    def _list(
        self,
        call: Call,
        *,
        key: str,
        read_row: Callable[[object], RowT],
        ids: frozenset[str] | None = None,
        paging: Paging | None = None,
    ) -> Listing[RowT]:
        """How to read the list that `call` asks for, whose rows are under `key`. Without `paging`
        it pages as the dialect does.
        """

        def fetch(position: Position) -> Page[RowT]:
            page = replace(call, query=(*call.query, *position))
            # A caller that plans its own tries begins each at the first page: of 500 pages one
            # would mostly fail.
            is_first = not {"marker", "offset"} & {name for name, _ in position}
            pauses = self._pauses_seconds if is_first else PAUSES_SECONDS
            answer = self._ask_patiently(page, pauses)
            return read_answer(answer, lambda data: page_from(data, key=key, read_row=read_row))

        return Listing(fetch=fetch, paging=paging or self._connection.dialect.paging, ids=ids)

    def _ask_patiently(
        self, call: Call, pauses_seconds: Sequence[float] | None = None
    ) -> CloudAnswer:
        """For calls that may be repeated: send again when that may help.

        A refusal of the last attempt says nothing about the attempts before it, so the outcome is
        known only when it is known for all attempts.
        """
        outcome_known = True
        pauses = self._pauses_seconds if pauses_seconds is None else pauses_seconds
        for pause in (*pauses, None):
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

    def _ask(self, call: Call) -> CloudAnswer:
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

    def _send(self, call: Call, *, grant: Grant) -> CloudAnswer:
        path = call.path.format(id=call.identity, project_id=escaped(grant.project_id))
        query = f"?{query_string(call.query)}" if call.query else ""
        url = f"{self._connection.base_url(grant, call.api)}{path}{query}"
        self._connection.pacer.wait()
        self.requests += 1
        outgoing = Outgoing(
            purpose=self._purpose or call.purpose,
            method=call.method,
            url=url,
            headers=self._connection.auth.sign(
                grant,
                method=call.method,
                url=url,
                headers={**_HEADERS, **dict(call.headers)},
                body=call.body,
            ),
            body=call.body,
        )
        return self._transmit(outgoing)

    def _transmit(self, outgoing: Outgoing) -> CloudAnswer:
        named = {GLOBAL_ID: f"req-{self._cause or outgoing.id}", **outgoing.headers}
        try:
            request = replace(outgoing, headers=named)
            return self._connection.wire.send(request, recorder=self._recorder)
        except EvsError as error:
            # A proxy or a broken answer may repeat what it was sent.
            error.strike((outgoing.headers.get("X-Auth-Token", ""), *self._connection.secrets))
            raise


def _seconds_to_wait(error: EvsError, *, pause: float | None) -> float | None:
    """How long to wait before the next attempt; None when none should follow."""
    if pause is None or not isinstance(error, Unreachable | ServerFault | Throttled):
        return None
    wait = max(pause, error.retry_after or 0)
    return wait if wait <= _LONGEST_PAUSE_SECONDS else None  # the caller can wait better


def as_json(value: Mapping[str, object]) -> bytes:
    """The body of a request."""
    return json.dumps(value, ensure_ascii=False).encode()


def call_path(path: str | None, *, dialect: Dialect, what: str) -> str:
    """`path`, or NoSuchApi when it is None: the dialect has no call for it."""
    if path is None:
        raise NoSuchApi(
            f"The dialect {dialect.name} has no call for {what}. Nothing was sent to the cloud."
        )
    return path


def named(identity: str) -> str:
    """An id as a path segment. Raises ValueError for an id that would name another path."""
    if identity in {"", ".", ".."}:
        raise ValueError("An id is needed.")
    return escaped(identity)


def _error_in(answer: CloudAnswer) -> EvsError | None:
    if 200 <= answer.status < 300:
        return None
    return error_from_answer(answer.status, answer.headers, answer.body)


def read_answer(answer: CloudAnswer, read_as: Callable[[Mapping[str, object]], ResultT]) -> ResultT:
    """What `read_as` makes of the answer.

    Raises UnreadableAnswer, with status and request id, when it makes nothing of it.
    """
    try:
        return read_as(read_object(answer.body))
    except UnreadableAnswer as error:
        why = error.message
    except ValueError as error:
        why = f"The cloud's answer could not be read: {error}."
    raise UnreadableAnswer(
        why, status=answer.status, request_id=request_id_of(answer.headers, None)
    )
