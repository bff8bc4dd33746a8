"""What an error of the cloud means for an operation. One table; `messages` has the words.

Codes: EVS page "Error Codes" (A-0038), the API gateway's list (SIGN, APIG) and IAM's, as in
`docs/evs-api.md`. A code not listed falls back to the class of the error.
"""

from dataclasses import dataclass
from enum import Enum

from snapshots.evs.errors import (
    AuthFailed,
    BadRequest,
    Conflict,
    EvsError,
    Forbidden,
    LoginFailed,
    NoConnection,
    NoEndpoint,
    NoSuchApi,
    NotFound,
    QuotaExceeded,
    Refused,
    Throttled,
)
from snapshots.models import OutcomeCode

# From a proxy or balancer between the portal and the cloud, whose client or upstream took too long
# (460, 463: Amazon's; 444, 499: nginx's). They prove nothing about the cloud.
OF_NO_CLOUD = frozenset({408, 444, 460, 463, 499})


class Verdict(Enum):
    """What happens to the operation next."""

    REFUSE = "refused: nothing was executed, and the same request would be refused again"
    RETRY = "provably not executed: sent again after a pause, for a limited time"
    WAIT = "provably not executed: something else on the volume must end first, however long"
    UNKNOWN = "may have been executed: looked for, never sent again"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means: what happens to the operation next, and the code that people's words
    are chosen by.
    """

    verdict: Verdict
    code: OutcomeCode


def _refuse(code: OutcomeCode) -> Meaning:
    return Meaning(Verdict.REFUSE, code)


def _retry(code: OutcomeCode) -> Meaning:
    return Meaning(Verdict.RETRY, code)


_BAD_CALL = _refuse(OutcomeCode.BAD_CALL)
_FORBIDDEN = _refuse(OutcomeCode.FORBIDDEN)
_SIGN_IN = _retry(OutcomeCode.SIGN_IN_REFUSED)
_NO_SIGN_IN = _retry(OutcomeCode.NO_SIGN_IN)
_WRONG_CREDENTIALS = _retry(OutcomeCode.WRONG_CREDENTIALS)
_WRONG_PROJECT = _refuse(OutcomeCode.WRONG_PROJECT)
_QUOTA = _refuse(OutcomeCode.QUOTA_USED_UP)
_VOLUME_STATE = _refuse(OutcomeCode.VOLUME_STATE)
_SNAPSHOT_STATE = _refuse(OutcomeCode.SNAPSHOT_STATE)
_GONE = _refuse(OutcomeCode.VOLUME_GONE)
_BUSY = _retry(OutcomeCode.BUSY)
_IN_LINE = Meaning(Verdict.WAIT, OutcomeCode.IN_LINE)
_NO_API = _refuse(OutcomeCode.NO_SUCH_CALL)
_ACCOUNT = _refuse(OutcomeCode.ACCOUNT_CLOSED)
_PROJECT = _refuse(OutcomeCode.PROJECT_CLOSED)
_UNKNOWN = Meaning(Verdict.UNKNOWN, OutcomeCode.NO_CLEAR_ANSWER)

BY_CODE: dict[str, Meaning] = {
    "EVS.0001": _WRONG_PROJECT,
    "EVS.0002": _SIGN_IN,
    "EVS.0003": _FORBIDDEN,
    "EVS.1002": _refuse(OutcomeCode.BAD_VOLUME_ID),
    "EVS.1003": _refuse(OutcomeCode.BAD_NAME),
    "EVS.1004": _refuse(OutcomeCode.BAD_DESCRIPTION),
    "EVS.1012": _refuse(OutcomeCode.TEMPORARY_DISK),
    "EVS.1013": _BAD_CALL,
    "EVS.1018": _BAD_CALL,
    "EVS.1023": _BAD_CALL,
    "EVS.1024": _BAD_CALL,
    "EVS.1025": _BAD_CALL,
    "EVS.1027": _refuse(OutcomeCode.ROLE_OR_ACCOUNT),
    "EVS.1033": _retry(OutcomeCode.QUOTA_UNREADABLE),
    "EVS.1034": _QUOTA,
    "EVS.1039": _BAD_CALL,
    "EVS.1040": _BAD_CALL,
    "EVS.1041": _BAD_CALL,
    "EVS.1042": _QUOTA,
    "EVS.1047": _SNAPSHOT_STATE,
    "EVS.1052": _BAD_CALL,
    "EVS.1058": _BAD_CALL,
    "EVS.1062": _refuse(OutcomeCode.BAD_TAG),
    "EVS.1070": _BAD_CALL,
    "EVS.2001": _UNKNOWN,
    "EVS.2002": _UNKNOWN,
    "EVS.2005": _UNKNOWN,
    "EVS.2019": _refuse(OutcomeCode.NOT_DELETED),
    "EVS.2023": _UNKNOWN,
    "EVS.2043": _SNAPSHOT_STATE,
    "EVS.2045": _BAD_CALL,
    "EVS.2047": _refuse(OutcomeCode.METADATA_LOCKED),
    "EVS.2056": _FORBIDDEN,
    "EVS.2059": _BAD_CALL,
    "EVS.2068": _refuse(OutcomeCode.VOLUME_LOCKED),
    "EVS.2089": _refuse(OutcomeCode.DISASTER_RECOVERY),
    "EVS.2093": _refuse(OutcomeCode.NOT_AN_EVS_DISK),
    "EVS.2108": _BAD_CALL,
    "EVS.2130": Meaning(Verdict.WAIT, OutcomeCode.IN_BACKUP),
    "EVS.2142": _BAD_CALL,
    "EVS.2144": _ACCOUNT,
    "EVS.2145": _ACCOUNT,
    "EVS.2409": _IN_LINE,
    # EVS.5400 is any bad request, among them a volume in the wrong state: the message decides.
    "EVS.5401": _SIGN_IN,
    "EVS.5403": _FORBIDDEN,
    "EVS.5404": _GONE,
    "EVS.5413": _QUOTA,
    "EVS.5500": _UNKNOWN,
    "EVS.5503": _UNKNOWN,
    "COMMON.0013": _SIGN_IN,
    "COMMON.0018": _WRONG_PROJECT,
    "APIGW.0101": _NO_API,
    "APIGW.0103": _NO_API,
    "APIGW.0104": _NO_API,
    "APIGW.0105": _NO_API,
    "APIGW.0106": _NO_API,
    # APIGW.0201 stands for anything from a bad request to a lost back end: the status decides.
    "APIGW.0301": _SIGN_IN,
    "APIGW.0302": _FORBIDDEN,
    "APIGW.0303": _SIGN_IN,
    "APIGW.0305": _SIGN_IN,
    "APIGW.0306": _FORBIDDEN,
    "APIGW.0307": _SIGN_IN,
    "APIGW.0308": _BUSY,
    "APIGW.0310": _PROJECT,
    "APIGW.0401": _FORBIDDEN,
    "APIGW.0402": _FORBIDDEN,
    "APIGW.0601": _UNKNOWN,
    "APIGW.0602": _BAD_CALL,
    "APIGW.0613": _UNKNOWN,
    "APIGW.0802": _FORBIDDEN,
    # IAM's are mostly said to the sign-in, before anything is sent: see `meaning_of`.
    "1100": _BAD_CALL,
    "1101": _WRONG_CREDENTIALS,
    "1103": _WRONG_CREDENTIALS,
    "IAM.0002": _FORBIDDEN,
    "IAM.0003": _FORBIDDEN,
    "IAM.0006": _UNKNOWN,
    "IAM.0007": _BAD_CALL,
    "IAM.0009": _SIGN_IN,
    "IAM.0011": _BAD_CALL,
}

BY_CLASS: tuple[tuple[type[EvsError], Meaning], ...] = (
    (NoConnection, _retry(OutcomeCode.UNREACHABLE)),
    (Throttled, _BUSY),
    (Conflict, _retry(OutcomeCode.CONFLICT)),
    (AuthFailed, _SIGN_IN),
    (QuotaExceeded, _QUOTA),
    (Forbidden, _FORBIDDEN),
    (NoSuchApi, _NO_API),
    (NotFound, _GONE),
)


def meaning_of(error: EvsError, *, sent: bool) -> Meaning:
    """What this error means. `sent`: whether the request itself may have left; the sign-in before
    it can fail too. The error decides whether its outcome is known; the tables cannot change that.
    """
    if isinstance(error, NoEndpoint):
        return _NO_API
    meaning = _by_code(error) or _by_class(error)
    if not sent or error.at_sign_in or isinstance(error, LoginFailed):
        # The error is about a sign-in: the first, or the one that renews the token.
        return meaning if meaning.verdict is Verdict.RETRY else _NO_SIGN_IN
    if not error.outcome_known or error.status in OF_NO_CLOUD:
        return _UNKNOWN
    return _BUSY if meaning.verdict is Verdict.UNKNOWN else meaning


def _by_code(error: EvsError) -> Meaning | None:
    code = error.code.upper().replace("APIG.", "APIGW.")
    if isinstance(error, QuotaExceeded) and code == "EVS.5403":
        return _QUOTA  # the code repeats the status; the words are more exact
    return BY_CODE.get(code)


def _by_class(error: EvsError) -> Meaning:
    if isinstance(error, BadRequest | Conflict) and _is_about_another(error.message):
        return _IN_LINE
    if isinstance(error, BadRequest) and _is_about_state(error.message):
        return _VOLUME_STATE
    for error_class, meaning in BY_CLASS:
        if isinstance(error, error_class):
            return meaning
    if isinstance(error, Refused):
        return _refuse(OutcomeCode.REFUSED)
    return _UNKNOWN


def _is_about_another(message: str) -> bool:
    """EVS.2409 in words, where an edition gives another code or none."""
    lower = message.lower()
    if "another snapshot" not in lower or any(phrase in lower for phrase in _OF_AN_OLD_ONE):
        return False
    return any(
        phrase in lower for phrase in ("being", "creat", "progress", "in process", "running")
    )


_OF_AN_OLD_ONE = ("used by another snapshot", "from another snapshot", "exceed")


def _is_about_state(message: str) -> bool:
    """Cinder says "Invalid volume: ... status must be available"; EVS.5400 much the same."""
    lower = message.lower()
    return any(phrase in lower for phrase in ("invalid volume", "status must be", "error status"))
