"""How the portal authenticates to a cloud: with a token of its identity service, or by signing with
an access key.
"""

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from snapshots.evs.answers import request_id_of
from snapshots.evs.catalog import Service, read_catalog
from snapshots.evs.clock import SYSTEM_CLOCK, Clock
from snapshots.evs.config import IdentityCredentials, KeyCredentials
from snapshots.evs.errors import (
    EvsError,
    LoginFailed,
    Throttled,
    UnreadableAnswer,
    error_from_answer,
)
from snapshots.evs.login import login_error, login_request, project_in, token_in, usable_seconds
from snapshots.evs.signing import signed_headers
from snapshots.evs.wire import CloudAnswer, Outgoing

# Sends one request through the wire with the caller's recorder, so that a login is recorded in
# the unit of work that needed it.
Send = Callable[[Outgoing], CloudAnswer]

_PAUSE_SECONDS = 60.0
_LONG_PAUSE_SECONDS = 600.0
_FAILURES_BEFORE_LONG_PAUSE = 3
_LONGEST_WAIT_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPause:
    """Do not sign in for so many seconds: another process is signing in, or the cloud `refused`."""

    seconds: float
    refused: bool


class SignInLock(Protocol):
    """Agrees with other processes on when to sign in with a set of credentials."""

    def acquire(self) -> SignInPause | None:
        """Lock the sign-in for this process; a pause when it may not sign in now."""

    def release(self, error: EvsError | None) -> float:
        """End the sign-in, with its error if it failed; returns the seconds before the next
        attempt.
        """


class NoSignInLock:
    """For a process that shares its credentials with no other."""

    def acquire(self) -> SignInPause | None:
        return None

    def release(self, error: EvsError | None) -> float:
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grant:
    """What a call needs to be authenticated. `since` and `until` are seconds of the monotonic
    clock.

    `project_name` is empty when the cloud does not give it, as with access keys.
    """

    project_id: str
    project_name: str = ""
    token: str = field(default="", repr=False)
    services: tuple[Service, ...] = field(default=(), repr=False)
    since: float = 0.0
    until: float = float("inf")
    replaces_rejected: bool = False


class Auth(Protocol):
    """Shared by threads."""

    def grant(self, send: Send) -> Grant:
        """A grant that is valid as far as we know; signs in if necessary."""

    def drop(self, grant: Grant) -> bool:
        """Forget a grant that the cloud rejected; returns whether another grant can be had."""

    def sign(
        self,
        grant: Grant,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> dict[str, str]:
        """`headers`, with those that authenticate the request."""


class SignedAuth:
    """Signs each request with an access key pair; there is nothing to renew."""

    def __init__(self, credentials: KeyCredentials, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._credentials = credentials
        self._clock = clock

    def grant(self, send: Send) -> Grant:
        return Grant(project_id=self._credentials.project_id)

    def drop(self, grant: Grant) -> bool:
        return False

    def sign(
        self,
        grant: Grant,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> dict[str, str]:
        return signed_headers(
            self._credentials,
            method=method,
            url=url,
            headers={**headers, "X-Project-Id": grant.project_id},
            body=body,
            at=self._clock.now(),
        )


class TokenAuth:
    """A token (page iam_30_0001), shared by all threads; one thread at a time renews it.

    A token is used until shortly before its end: 60 s or a twentieth of its life, whichever is
    less. Repeated wrong passwords lock an account, so after a refused sign-in LoginFailed is raised
    without asking the cloud for 60 s, and from the third refusal in a row for 600 s. The
    `sign_in_lock` does the same for other processes and across restarts; the longer pause counts.
    Other credentials need another `TokenAuth`, which starts afresh.
    """

    def __init__(
        self,
        credentials: IdentityCredentials,
        *,
        clock: Clock = SYSTEM_CLOCK,
        sign_in_lock: SignInLock | None = None,
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._sign_in_lock = sign_in_lock or NoSignInLock()
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._replaces_rejected = False
        self._tries = 0
        self._failure: EvsError | None = None
        self._refusals = 0
        self._refused_until = 0.0

    def grant(self, send: Send) -> Grant:
        """The token in use, or a new token.

        Raises LoginFailed when the cloud refuses us now or refused us lately, other EvsErrors when
        the login got no usable answer. `outcome_known` is always True: the call that needed the
        token was not sent.
        """
        tries = self._tries
        grant = self._usable()
        if grant is not None:
            return grant
        with self._lock:
            grant = self._usable()
            if grant is not None:
                return grant
            if self._failure and self._tries != tries:
                # The attempt we waited for failed. If each waiting thread tried again, the last of
                # them would wait for the sum of all time-outs.
                raise copy.copy(self._failure)
            self._raise_remembered()
            return self._try(send)

    def drop(self, grant: Grant) -> bool:
        with self._lock:
            if self._grant is not grant:
                return True  # another thread has been here; its token is worth a try
            too_soon = self._clock.monotonic() - grant.since < _PAUSE_SECONDS
            if grant.replaces_rejected and too_soon:
                return False  # a fresh token was rejected as well: the token is not the trouble
            self._grant = None
            self._replaces_rejected = True
            return True

    def sign(
        self,
        grant: Grant,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> dict[str, str]:
        return {**headers, "X-Auth-Token": grant.token}

    def _usable(self) -> Grant | None:
        grant = self._grant
        return grant if grant and self._clock.monotonic() < grant.until else None

    def _raise_remembered(self) -> None:
        left = self._refused_until - self._clock.monotonic()
        if self._failure and left > 0:
            failure = copy.copy(self._failure)
            failure.message += f" Not trying again for {left:.0f} s, lest the account be locked."
            failure.retry_after = left
            raise failure

    def _lock_sign_in(self) -> None:
        """Wait while another process signs in. Raises LoginFailed when the cloud refused that
        sign-in.
        """
        end = self._clock.monotonic() + _LONGEST_WAIT_SECONDS
        while pause := self._sign_in_lock.acquire():
            if pause.refused:
                raise LoginFailed(
                    "The cloud refused a sign-in with the same credentials before. Not "
                    f"trying again for {pause.seconds:.0f} s, lest the account be locked.",
                    retry_after=pause.seconds,
                )
            if self._clock.monotonic() >= end:
                raise Throttled("Others are signing in to the cloud.", retry_after=pause.seconds)
            self._clock.sleep(min(pause.seconds, _LOOK_AGAIN_SECONDS))

    def _try(self, send: Send) -> Grant:
        self._lock_sign_in()
        try:
            grant = self._log_in(send)
        except EvsError as error:
            error.outcome_known = error.at_sign_in = True
            self._failure = error
            self._tries += 1
            self._remember_refusal(error, shared_pause=self._sign_in_lock.release(error))
            raise
        self._sign_in_lock.release(None)
        self._grant, self._failure, self._refusals = grant, None, 0
        self._replaces_rejected = False
        return grant

    def _remember_refusal(self, error: EvsError, *, shared_pause: float) -> None:
        if not isinstance(error, LoginFailed):
            return
        self._refusals += 1
        long = self._refusals >= _FAILURES_BEFORE_LONG_PAUSE
        pause = max(_LONG_PAUSE_SECONDS if long else _PAUSE_SECONDS, shared_pause)
        self._refused_until = self._clock.monotonic() + pause
        error.retry_after = pause

    def _log_in(self, send: Send) -> Grant:
        started = self._clock.monotonic()
        answer = send(login_request(self._credentials))
        if not 200 <= answer.status < 300:
            error = error_from_answer(answer.status, answer.headers, answer.body)
            raise login_error(error, self._credentials)
        token = token_in(answer)
        return Grant(
            project_id=project_in(token, key="id") or self._project_id(answer),
            project_name=project_in(token, key="name"),
            token=answer.headers["x-subject-token"],
            services=read_catalog(token.get("catalog")),
            since=started,
            until=started + usable_seconds(token, answer=answer, clock=self._clock),
            replaces_rejected=self._replaces_rejected,
        )

    def _project_id(self, answer: CloudAnswer) -> str:
        """The configured project, for a token that does not name its project."""
        project_id = getattr(self._credentials, "project_id", "")
        if not project_id:
            raise UnreadableAnswer(
                "The cloud signed us in, but to no project.",
                status=answer.status,
                request_id=request_id_of(answer.headers, None),
            )
        return str(project_id)
