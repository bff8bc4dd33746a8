"""What an error of the cloud means for an operation, and the words people get. One place.

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

# Said by a proxy or balancer between us and the cloud, which had seen enough of somebody's patience
# (460, 463: Amazon's; 444, 499: nginx's): they prove nothing about the cloud.
OF_NO_CLOUD = frozenset({408, 444, 460, 463, 499})


class Verdict(Enum):
    """What happens to the operation next."""

    REFUSE = "refused: nothing was made, asking again as it is would not help"
    RETRY = "provably not executed: sent again after a pause, for a while"
    WAIT = "provably not executed: another thing on the volume must end first, however long"
    UNKNOWN = "may have been executed: looked for, never sent again"


class Fixer(Enum):
    """Who can do something about it."""

    PERSON = "you"
    CLOUD_ADMIN = "the people who run the cloud account"
    PORTAL_ADMIN = "the portal's administrators"
    NOBODY = "nobody; it passes by itself"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, what to tell people, and who can help."""

    verdict: Verdict
    words: str
    fixer: Fixer


def _refuse(words: str, fixer: Fixer) -> Outcome:
    return Outcome(Verdict.REFUSE, words, fixer)


def _retry(words: str, fixer: Fixer = Fixer.NOBODY) -> Outcome:
    return Outcome(Verdict.RETRY, words, fixer)


_BAD_CALL = _refuse(
    "The cloud could not read the portal's request. This is a fault of the portal; "
    "please tell its administrators.",
    Fixer.PORTAL_ADMIN,
)
_FORBIDDEN = _refuse(
    "The portal's cloud account may not do this. Its permissions must be widened.",
    Fixer.CLOUD_ADMIN,
)
_SIGN_IN = _retry(
    "The cloud did not accept the portal's own sign-in. Nothing was made; "
    "the portal tries again by itself.",
    Fixer.PORTAL_ADMIN,
)
_NO_SIGN_IN = _retry(
    "The portal could not sign in to the cloud. Nothing was made; it tries again by itself.",
    Fixer.PORTAL_ADMIN,
)
_WRONG_PASSWORD = _retry(
    "The cloud does not accept the portal's user name or password. Nothing was made; "
    "the portal tries again by itself.",
    Fixer.PORTAL_ADMIN,
)
_WRONG_PROJECT = _refuse(
    "The portal asks in the wrong project of the cloud. Its settings must be corrected.",
    Fixer.PORTAL_ADMIN,
)
_QUOTA = _refuse(
    "The quota of the cloud project is used up. Old snapshots must be deleted or the quota "
    "raised; then ask again.",
    Fixer.CLOUD_ADMIN,
)
_VOLUME_STATE = _refuse(
    "The volume's state does not allow a snapshot now. Wait until it is available or in use, "
    "then ask again. For a volume in use, tick the box that allows it.",
    Fixer.PERSON,
)
_GONE = _refuse("The cloud no longer knows this volume. It may have been deleted.", Fixer.PERSON)
_LATER = _retry("The cloud is busy. Nothing was made; the portal asks again by itself.")
_IN_LINE = Outcome(
    Verdict.WAIT,
    "Another snapshot of this volume is being made. This one waits for its turn.",
    Fixer.NOBODY,
)
_NO_API = _refuse(
    "This address offers no such call: the region or the address in the settings is wrong.",
    Fixer.PORTAL_ADMIN,
)
_ACCOUNT = _refuse(
    "The cloud account is suspended, frozen or in arrears. Its owner must settle that first.",
    Fixer.CLOUD_ADMIN,
)
_ROLE_OR_ACCOUNT = _refuse(
    "The portal's cloud account may not do this: it lacks a role, or it is restricted or in "
    "arrears.",
    Fixer.CLOUD_ADMIN,
)
_PROJECT = _refuse(
    "The cloud project cannot be used at present. Whoever runs the cloud account must look at it.",
    Fixer.CLOUD_ADMIN,
)
_UNKNOWN = Outcome(
    Verdict.UNKNOWN,
    "The cloud gave no clear answer, so a snapshot may exist. The portal looks for it, usually for "
    "two to three minutes. Please do not ask again until this page says what it found.",
    Fixer.NOBODY,
)

BY_CODE: dict[str, Outcome] = {
    "EVS.0001": _WRONG_PROJECT,
    "EVS.0002": _SIGN_IN,
    "EVS.0003": _FORBIDDEN,
    "EVS.1002": _refuse("The cloud does not accept this volume id.", Fixer.PERSON),
    "EVS.1003": _refuse("The cloud does not accept this name.", Fixer.PERSON),
    "EVS.1004": _refuse("The cloud does not accept this description.", Fixer.PERSON),
    "EVS.1012": _refuse("This is a temporary disk; it takes no snapshots.", Fixer.PERSON),
    "EVS.1013": _BAD_CALL,
    "EVS.1018": _BAD_CALL,
    "EVS.1023": _BAD_CALL,
    "EVS.1024": _BAD_CALL,
    "EVS.1025": _BAD_CALL,
    "EVS.1027": _ROLE_OR_ACCOUNT,
    "EVS.1033": _retry("The cloud could not look up its quota. The portal asks again by itself."),
    "EVS.1034": _QUOTA,
    "EVS.1039": _BAD_CALL,
    "EVS.1040": _BAD_CALL,
    "EVS.1041": _BAD_CALL,
    "EVS.1042": _QUOTA,
    "EVS.1047": _refuse("The snapshot's state does not allow this.", Fixer.PERSON),
    "EVS.1052": _BAD_CALL,
    "EVS.1058": _BAD_CALL,
    "EVS.1062": _refuse("The cloud does not accept a tag.", Fixer.PERSON),
    "EVS.1070": _BAD_CALL,
    "EVS.2001": _UNKNOWN,
    "EVS.2002": _UNKNOWN,
    "EVS.2005": _UNKNOWN,
    "EVS.2019": _refuse(
        "The snapshot could not be deleted; the cloud's support must help.", Fixer.CLOUD_ADMIN
    ),
    "EVS.2023": _UNKNOWN,
    "EVS.2043": _refuse("The snapshot's state does not allow this.", Fixer.PERSON),
    "EVS.2045": _BAD_CALL,
    "EVS.2047": _refuse("The cloud does not let this metadata be changed.", Fixer.PERSON),
    "EVS.2056": _FORBIDDEN,
    "EVS.2059": _BAD_CALL,
    "EVS.2068": _refuse(
        "The volume is locked by another service. Ask again when it is released.", Fixer.PERSON
    ),
    "EVS.2089": _refuse(
        "The volume belongs to the disaster recovery service; snapshots are made there.",
        Fixer.PERSON,
    ),
    "EVS.2093": _refuse("This is not an EVS disk.", Fixer.PERSON),
    "EVS.2108": _BAD_CALL,
    "EVS.2130": Outcome(
        Verdict.WAIT,
        "The volume is being backed up. The portal asks again by itself when that may be over.",
        Fixer.NOBODY,
    ),
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
    "APIGW.0308": _LATER,
    "APIGW.0310": _PROJECT,
    "APIGW.0401": _FORBIDDEN,
    "APIGW.0402": _FORBIDDEN,
    "APIGW.0601": _UNKNOWN,
    "APIGW.0602": _BAD_CALL,
    "APIGW.0613": _UNKNOWN,
    "APIGW.0802": _FORBIDDEN,
    # IAM's are mostly said to the sign-in, before anything is sent: see `outcome_of`.
    "1100": _BAD_CALL,
    "1101": _WRONG_PASSWORD,
    "1103": _WRONG_PASSWORD,
    "IAM.0002": _FORBIDDEN,
    "IAM.0003": _FORBIDDEN,
    "IAM.0006": _UNKNOWN,
    "IAM.0007": _BAD_CALL,
    "IAM.0009": _SIGN_IN,
    "IAM.0011": _BAD_CALL,
}

BY_CLASS: tuple[tuple[type[EvsError], Outcome], ...] = (
    (
        NoConnection,
        _retry("The cloud cannot be reached. Nothing was made; the portal tries again by itself."),
    ),
    (Throttled, _LATER),
    (
        Conflict,
        _retry("Something else is happening to the volume. The portal asks again by itself."),
    ),
    (AuthFailed, _SIGN_IN),
    (QuotaExceeded, _QUOTA),
    (Forbidden, _FORBIDDEN),
    (NoSuchApi, _NO_API),
    (NotFound, _GONE),
)


def outcome_of(error: EvsError, *, sent: bool) -> Outcome:
    """What this error means, `sent` telling whether the create itself may have left (the sign-in
    before it can fail too). Whatever a table says: an unknown outcome stays unknown, and a known
    one is never called unknown.
    """
    if isinstance(error, NoEndpoint):
        return _NO_API
    found = _by_code(error) or _by_class(error)
    if not sent or error.at_sign_in or isinstance(error, LoginFailed):
        # Whatever it says, it was said to the sign-in: the first, or one to renew the token.
        return found if found.verdict is Verdict.RETRY else _NO_SIGN_IN
    if not error.outcome_known or error.status in OF_NO_CLOUD:
        return _UNKNOWN
    return _LATER if found.verdict is Verdict.UNKNOWN else found


def _by_code(error: EvsError) -> Outcome | None:
    code = error.code.upper().replace("APIG.", "APIGW.")
    if isinstance(error, QuotaExceeded) and code == "EVS.5403":
        return _QUOTA  # the code repeats the status; the words are more exact
    return BY_CODE.get(code)


def _by_class(error: EvsError) -> Outcome:
    if isinstance(error, BadRequest | Conflict) and _is_about_another(error.message):
        return _IN_LINE
    if isinstance(error, BadRequest) and _is_about_state(error.message):
        return _VOLUME_STATE
    for kind, outcome in BY_CLASS:
        if isinstance(error, kind):
            return outcome
    if isinstance(error, Refused):
        return _refuse("The cloud refused the request. Nothing was made.", Fixer.PERSON)
    return _UNKNOWN


def _is_about_another(message: str) -> bool:
    """EVS.2409 in words, where an edition gives another code or none."""
    lower = message.lower()
    if "another snapshot" not in lower or any(words in lower for words in _OF_AN_OLD_ONE):
        return False
    return any(words in lower for words in ("being", "creat", "progress", "in process", "running"))


_OF_AN_OLD_ONE = ("used by another snapshot", "from another snapshot", "exceed")


def _is_about_state(message: str) -> bool:
    """Cinder says "Invalid volume: ... status must be available"; EVS.5400 much the same."""
    lower = message.lower()
    return any(words in lower for words in ("invalid volume", "status must be", "error status"))
