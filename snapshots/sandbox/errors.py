"""Refusals, and how each layer words them (docs/evs-api.md, Errors).

`Fault`
  `ApiFault`: the storage service's own: a fault with a name (CIN) or an EVS code (A-0038).
  `RoutingFault`: no such resource, seen before the service proper (webob's page; APIGW.0101).
  `AuthFault`: the token or signature is not good.
  `GatewayFault`: the API gateway's (SIGN, APIG).
  `IdentityFault`: Keystone's or IAM's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from snapshots.sandbox.messages import Answer, Headers, json_answer
from snapshots.sandbox.options import ErrorStyle

NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    501: "notImplemented",
    503: "serviceUnavailable",
}
MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise"
    " incorrect."
)
ERRED = "The server has either erred or is incapable of performing the requested operation."
UNAUTHORIZED = "The request you have made requires authentication."


@dataclass(frozen=True)
class Style:
    """The options that decide a fault's wording."""

    errors: ErrorStyle
    request_id: str


class Fault(Exception):
    """A refusal, which becomes an answer."""

    with_version_header = True

    def answer(self, style: Style) -> Answer:
        raise NotImplementedError


class ApiFault(Fault):
    def __init__(
        self, status: int, message: str, code: str = "EVS.5400", *, versioned: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.with_version_header = versioned

    def answer(self, style: Style) -> Answer:
        if style.errors is ErrorStyle.EVS:
            content = {"error": {"message": self.message, "code": self.code}}
            return json_answer(self.status, content)
        fault: dict[str, object] = {"code": self.status, "message": self.message}
        headers: Headers = ()
        if self.status == 413:
            fault["retryAfter"] = "0"
            headers = (("Retry-After", "0"),)
        return json_answer(self.status, {NAMES.get(self.status, "computeFault"): fault}, headers)


class RoutingFault(Fault):
    with_version_header = False

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text

    def answer(self, style: Style) -> Answer:
        if style.errors is ErrorStyle.EVS:
            code = "APIGW.0101" if self.status == 404 else "APIGW.0201"
            return GatewayFault(self.status, code, self.text).answer(style)
        title = {404: "Not Found", 413: "Request Entity Too Large"}[self.status]
        message = f"{self.text}<br /><br />\n\n\n"
        content = {"message": message, "code": f"{self.status} {title}", "title": title}
        return json_answer(self.status, content)


class AuthFault(Fault):
    with_version_header = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def answer(self, style: Style) -> Answer:
        if style.errors is ErrorStyle.EVS:
            message = f"Incorrect IAM authentication information: {self.reason}"
            return GatewayFault(401, "APIGW.0301", message).answer(style)
        error = {"code": 401, "title": "Unauthorized", "message": UNAUTHORIZED}
        return json_answer(
            401, {"error": error}, (("WWW-Authenticate", 'Keystone uri="/identity"'),)
        )


class GatewayFault(Fault):
    with_version_header = False

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def answer(self, style: Style) -> Answer:
        content = {
            "error_msg": self.message,
            "error_code": self.code,
            "request_id": style.request_id.removeprefix("req-").replace("-", ""),
        }
        return json_answer(self.status, content)


class IdentityFault(Fault):
    # Further members of the error.
    more: Mapping[str, object] = MappingProxyType({})

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers

    def answer(self, style: Style) -> Answer:
        title = HTTPStatus(self.status).phrase
        error = {"code": self.status, "message": self.message, "title": title, **self.more}
        return json_answer(self.status, {"error": error}, self.headers)


def not_found() -> RoutingFault:
    return RoutingFault(404, "The resource could not be found.")


def too_large() -> RoutingFault:
    # The unfilled %s is Cinder's own (recorded).
    return RoutingFault(413, "Request is too large. Larger than max_request_body_size (%s).")


def bad_request(message: str, code: str = "EVS.5400") -> ApiFault:
    return ApiFault(400, message, code)


def missing(what: str, ident: object) -> ApiFault:
    return ApiFault(404, f"{what} {ident} could not be found.", "EVS.5404")


def denied(rule: str) -> ApiFault:
    return ApiFault(403, f"Policy doesn't allow {rule} to be performed.", "EVS.5403")


def over_limit(message: str) -> ApiFault:
    # EVS.5413 is the only 413 of A-0038; the codes for snapshot counts are in no document.
    return ApiFault(413, message, "EVS.5413")


def server_error() -> ApiFault:
    return ApiFault(500, ERRED, "EVS.5500")
