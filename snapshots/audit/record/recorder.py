"""Records each exchange with a cloud in the audit trail, before its first byte leaves."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from snapshots.audit.record.redaction import (
    mask_body,
    mask_headers,
    request_id_of,
    storable,
    strike,
)
from snapshots.database.transactions import in_transaction
from snapshots.evs.errors import EvsError, error_from_answer
from snapshots.evs.wire import CloudAnswer, Outgoing
from snapshots.models import (
    BACKGROUND,
    SENDING_PURPOSES,
    Answer,
    Exchange,
    Operation,
    Purpose,
)
from snapshots.tallies import count_exchange

# The body of an answer to a person's request is stored whole (the client reads at most 1 MiB). Of a
# background reading the beginning is enough: the digest covers the rest.
MOST_BYTES = 1024 * 1024
MOST_BACKGROUND_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """On whose behalf and why requests leave now."""

    cloud: str
    sandbox: bool
    purpose: Purpose
    operation: Operation | None = None
    actor: User | None = None  # who clicked; None: the portal itself


class AuditRecorder:
    """The wire's recorder for one piece of work.

    `before_sending` runs in the transaction that commits the row of a request to change
    something, so that "this may be on the wire" and its evidence are written together or not at
    all. Whatever it raises keeps the request from leaving.
    """

    def __init__(
        self,
        context: Context,
        *,
        secrets: tuple[str, ...] = (),
        before_sending: Callable[[], None] | None = None,
    ) -> None:
        self._context = context
        self._secrets = secrets
        self._before_sending = before_sending
        self._opened = dict[uuid.UUID, Exchange]()

    def opened(self, request: Outgoing) -> None:
        """Commit the exchange row. Raises `DatabaseError` when that fails: nothing is sent then.

        `durable`: called inside a transaction it raises, since a rollback would erase evidence.
        """

        def store() -> Exchange:
            if self._before_sending and request.purpose in SENDING_PURPOSES:
                self._before_sending()
            exchange = self._exchange(request)
            exchange.save()
            return exchange

        self._opened[request.id] = in_transaction(store, durable=True)

    def answered(self, request: Outgoing, answer: CloudAnswer) -> None:
        """Store what came back."""
        self._store_answer(request, answer, elapsed_ms=answer.elapsed_ms, error=None)

    def failed(
        self,
        request: Outgoing,
        error: EvsError,
        *,
        elapsed_ms: float,
        answer: CloudAnswer | None = None,
    ) -> None:
        """Store why nothing came back, or what came of an answer that broke off."""
        self._store_answer(request, answer, elapsed_ms=elapsed_ms, error=error)

    def _store_answer(
        self,
        request: Outgoing,
        answer: CloudAnswer | None,
        *,
        elapsed_ms: float,
        error: EvsError | None,
    ) -> None:
        in_transaction(
            lambda: self._answer(request, answer, elapsed_ms=elapsed_ms, error=error).save()
        )
        code = type(error).__name__ if error or answer is None else str(answer.status)
        count_exchange(cloud=self._context.cloud, code=code, milliseconds=elapsed_ms)

    def _exchange(self, request: Outgoing) -> Exchange:
        purpose = self._purpose(request)
        operation = self._context.operation
        secrets = self._secrets_of(request)
        body = mask_body(
            request.body, most_bytes=MOST_BYTES, secrets=secrets, login=request.sensitive
        )
        row = Exchange(
            id=request.id,
            at=timezone.now(),
            purpose=purpose,
            background=purpose in BACKGROUND,
            actor=self._context.actor,
            actor_name=self._context.actor.get_username() if self._context.actor else "portal",
            cloud=self._context.cloud,
            sandbox=self._context.sandbox,
            method=request.method,
            url=strike(request.url, secrets),
            headers=mask_headers(request.headers, secrets=secrets),
            body=body.text,
            body_bytes=body.size_bytes,
            body_sha256=body.sha256,
            body_cut=body.cut,
        )
        if operation is not None:
            row.operation = operation
            row.cause = operation.cause
            row.on_behalf_of = operation.on_behalf_of
            row.ticket = operation.ticket
            row.target_kind, row.target_id, row.target_name = operation.target
        return row

    def _answer(
        self,
        request: Outgoing,
        answer: CloudAnswer | None,
        *,
        elapsed_ms: float,
        error: EvsError | None,
    ) -> Answer:
        background = self._purpose(request) in BACKGROUND
        headers = answer.headers if answer else {}
        secrets = (*self._secrets_of(request), *_tokens_in(headers))
        body = mask_body(
            answer.body if answer else None,
            most_bytes=MOST_BACKGROUND_BYTES if background else MOST_BYTES,
            secrets=secrets,
        )
        return Answer(
            exchange=self._opened[request.id],
            at=timezone.now(),
            status=answer.status if answer else None,
            headers=mask_headers(headers, secrets=secrets),
            body=body.text,
            body_bytes=body.size_bytes,
            body_sha256=body.sha256,
            body_cut=body.cut,
            request_id=storable(strike(request_id_of(headers), secrets))[:120],
            code=strike(_code_of(answer), secrets)[:80],
            elapsed_ms=round(elapsed_ms),
            error=type(error).__name__ if error else "",
            error_text=strike(str(error), secrets) if error else "",
        )

    def _purpose(self, request: Outgoing) -> Purpose:
        """The context's, but a sign-in or a change is what it is in any context."""
        if request.purpose in SENDING_PURPOSES | {Purpose.LOGIN}:
            return Purpose(request.purpose)
        return self._context.purpose

    def _secrets_of(self, request: Outgoing) -> tuple[str, ...]:
        return (*self._secrets, *_tokens_in(request.headers))


def _code_of(answer: CloudAnswer | None) -> str:
    """The cloud's own word for its refusal; empty where it gave none."""
    if answer is None or answer.status < 400:
        return ""
    return error_from_answer(answer.status, answer.headers, answer.body).code


def _tokens_in(headers: object) -> tuple[str, ...]:
    """The tokens that travel in these headers, so that a body echoing them is masked too."""
    names = {"x-auth-token", "x-subject-token", "x-security-token"}
    pairs = headers.items() if hasattr(headers, "items") else ()
    return tuple(str(value) for name, value in pairs if str(name).lower() in names)
