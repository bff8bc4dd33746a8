"""Everything that can go wrong with a call, as one tree.

    EvsError
      Unreachable
        NoConnection       no byte of the request left this machine
        Timeout            no (complete) answer in time
        ConnectionCut      the connection ended after bytes left
      Refused
        BadRequest, AuthFailed (LoginFailed), Forbidden, NotFound, NoSuchApi (NoEndpoint),
        Conflict, QuotaExceeded, Throttled
      ServerFault
      UnreadableAnswer     an answer came, but nobody can tell what it says

`outcome_known` is what a caller of a call that changes something must ask: True means that the
cloud provably did not do what was asked, at none of the attempts, so that asking again cannot do it
twice.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from snapshots.evs.answers import Fault, plain, request_id_of, retry_after_of
from snapshots.evs.faults import find_fault
from snapshots.evs.quota_words import speaks_of_quota
from snapshots.evs.secrets import without_secrets


class EvsError(Exception):
    """A call that did not succeed.

    `status` is the HTTP status (None without an answer), `code` the cloud's error code ("" for
    none), `message` at most 500 characters for people, `request_id` the id to quote to the cloud's
    support, `retry_after` the seconds (at most 3600) that the cloud asked us to wait. `at_sign_in`:
    the last attempt was not sent, because the sign-in before it failed.
    """

    provably_undone: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913 - the facts of an answer, all by name
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        outcome_known: bool | None = None,
    ) -> None:
        super().__init__(without_secrets(message))
        self.message = plain(without_secrets(message))
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.at_sign_in = False
        self.outcome_known = self.provably_undone if outcome_known is None else outcome_known

    def strike(self, secrets: Iterable[str]) -> None:
        """Remove these secrets from what the cloud said: some clouds echo what they were sent."""
        texts = tuple(secrets)
        self.message = without_secrets(self.message, texts)
        self.code = without_secrets(self.code, texts)
        self.request_id = without_secrets(self.request_id, texts)
        self.args = (self.message,)

    def __str__(self) -> str:
        facts = [str(self.status or ""), self.code, self.request_id]
        details = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({details})" if details else self.message

    @property
    def token_rejected(self) -> bool:
        """Whether the cloud rejected the token itself, so that a new token may help."""
        return False


class Unreachable(EvsError):
    """No complete answer came."""


class NoConnection(Unreachable):
    """No byte of the request left: refused, name unknown, TLS failed, no time left to send."""

    provably_undone = True


class Timeout(Unreachable):
    """Bytes left, but no complete answer came in time. The cloud may have acted."""


class ConnectionCut(Unreachable):
    """The connection ended after bytes left, before the answer did. The cloud may have acted."""


class Refused(EvsError):
    """The cloud said no (4xx); nothing was done."""

    provably_undone = True


class BadRequest(Refused):
    """The request, or the state of its target, is not acceptable."""


class AuthFailed(Refused):
    """The cloud does not accept our credentials or token, or no longer does."""

    @property
    def token_rejected(self) -> bool:
        return self.code.upper() not in _NOT_THE_TOKEN


class LoginFailed(AuthFailed):
    """The cloud refused our sign-in. Not tried again before `retry_after` seconds have passed."""

    @property
    def token_rejected(self) -> bool:
        return False


class Forbidden(Refused):
    """The cloud knows us, but does not permit this."""


class NotFound(Refused):
    """The cloud knows no such volume or snapshot (in our project)."""


class NoSuchApi(Refused):
    """No such call at this address or in this dialect, which says nothing about any snapshot."""


class NoEndpoint(NoSuchApi):
    """The settings and the catalog lead to no address that may be called; nothing was sent."""


class Conflict(Refused):
    """Something else is happening to the target; later it may work (such as EVS.2409)."""


class QuotaExceeded(Refused):
    """The project's number or size of snapshots is used up; waiting alone does not help."""


class Throttled(Refused):
    """Too many requests; see `retry_after`."""


class ServerFault(EvsError):
    """The cloud failed (5xx), perhaps after acting."""


class UnreadableAnswer(EvsError):
    """An answer that does not answer the request: not JSON, wrong shape, redirect, too long."""


class OtherSnapshot(UnreadableAnswer):
    """An answer about a snapshot other than the requested one."""


# Codes by EVS page "Error Codes" (A-0038) and the gateway's (api-sign-errorcode). Authentication
# trouble arrives as 400, 401 or 403, so the code decides.
_TOKEN_CODES = frozenset(
    {"EVS.0002", "EVS.5401", "COMMON.0013"}
    | {f"{prefix}.{number}" for prefix in ("APIG", "APIGW") for number in ("0301", "0307")}
)
# 401 by the gateway for an application's own signature, not for the token.
_NOT_THE_TOKEN = frozenset({"APIG.0303", "APIGW.0303", "APIG.0305", "APIGW.0305"})
_QUOTA_CODES = frozenset({"EVS.5413", "EVS.1034", "EVS.1042"})
_RATE = re.compile(r"\brate[- ]?limit", re.IGNORECASE)
_NEVER_QUOTA = frozenset({401, 404, 405, 407, 429})
_QUOTA_NAMES = frozenset({"overLimit", "overLimitFault"})

_BY_STATUS: dict[int, type[Refused]] = {
    401: AuthFailed,
    403: Forbidden,
    404: NotFound,
    405: NoSuchApi,
    409: Conflict,
    413: QuotaExceeded,
    429: Throttled,
}


def error_from_answer(status: int, headers: Mapping[str, str], body: bytes) -> EvsError:
    """The error that an HTTP answer stands for; never raises, whatever the body holds.

    `headers` have lower-case names. For the shapes of bodies see `faults`.
    """
    fault = find_fault(body)
    kind = _kind(status, fault=fault)
    retry_after = retry_after_of(headers, fault)
    code = fault.code if fault else ""
    return kind(
        (fault.message if fault else "") or _own_words(status),
        status=status,
        code="" if code == str(status) else code,  # IAM says nothing more there
        request_id=request_id_of(headers, fault),
        retry_after=retry_after,
        outcome_known=_turned_away(status, fault=fault, retry_after=retry_after) or None,
    )


def _kind(status: int, *, fault: Fault | None) -> type[EvsError]:
    if status >= 500:
        return ServerFault
    if status < 400:
        return UnreadableAnswer
    if fault is None:
        return _kind_without_fault(status)
    return _kind_by_fault(status, fault=fault) or _BY_STATUS.get(status, BadRequest)


def _kind_by_fault(status: int, *, fault: Fault) -> type[Refused] | None:
    """A more exact class than the status gives, from the first rule that fits the fault."""
    not_the_api = not fault.is_native or fault.gateway_number != "" or _is_frameworks(fault)
    rules: tuple[tuple[bool, type[Refused]], ...] = (
        (fault.code.upper() in _TOKEN_CODES, AuthFailed),
        (fault.gateway_number == "0308", Throttled),
        (_RATE.search(fault.message) is not None, Throttled),
        (status == 404 and not_the_api, NoSuchApi),
        (_is_quota(status, fault=fault), QuotaExceeded),
        (status == 413 and not_the_api, BadRequest),  # the body was too large, no quota is meant
    )
    return next((kind for fits, kind in rules if fits), None)


def _kind_without_fault(status: int) -> type[EvsError]:
    # A 404 page or an empty 404 comes from a proxy or a wrong address, so it does not prove that
    # the snapshot is gone.
    return NoSuchApi if status == 404 else _BY_STATUS.get(status, BadRequest)


def _is_frameworks(fault: Fault) -> bool:
    """Whether the web framework answered, not the API: Cinder then says `"code": "404 Not Found"`.

    Seen on Cinder 29: unknown path `{"message": "...<br />", "code": "404 Not Found", "title"}`.
    """
    return fault.name == "" and fault.code[:3].isdigit() and " " in fault.code


def _is_quota(status: int, *, fault: Fault) -> bool:
    if status in _NEVER_QUOTA:
        return False
    named = fault.code.upper() in _QUOTA_CODES or fault.name in _QUOTA_NAMES
    return named or speaks_of_quota(fault.message, code=fault.code)


def _turned_away(status: int, *, fault: Fault | None, retry_after: float | None) -> bool:
    """Whether a gateway refused with 503 and a time to retry: it has not forwarded the request."""
    at_gateway = fault is not None and fault.gateway_number != ""
    return status == 503 and at_gateway and retry_after is not None


def _own_words(status: int) -> str:
    if 300 <= status < 400:
        return f"The cloud answered with a redirect ({status}), which is not followed."
    if status < 300:
        return f"The cloud's answer ({status}) could not be read."
    return f"The cloud answered {status} without saying why."
