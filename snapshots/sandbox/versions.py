"""Version documents, and the microversion header (A-0018; recorded in 02-versions)."""

import re
from typing import Any

from snapshots.sandbox.call import Microversion
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import MALFORMED, ApiFault, bad_request, server_error
from snapshots.sandbox.messages import Answer, Request, json_answer

HEADER = "OpenStack-API-Version"
LOWEST: Microversion = (3, 0)
HIGHEST: Microversion = (3, 71)
_FORM = re.compile(r"([1-9]\d*)\.([1-9]\d*|0)")


def text_of(version: Microversion) -> str:
    return f"{version[0]}.{version[1]}"


def asked(request: Request) -> Microversion:
    """The microversion a v3 request asks for; 3.0 without the header.

    Raises ApiFault: 400, 406 or 500, as Cinder answers.
    """
    header = request.headers.get(HEADER.lower())
    if header is None:
        return LOWEST
    ours = [part for part in header.split(",") if "volume" in part]
    if not ours:
        raise ApiFault(400, MALFORMED, versioned=False)
    parts = ours[-1].split()
    if len(parts) != 2:
        fault = server_error()
        fault.with_version_header = False
        raise fault
    return _parsed(parts[1])


def _parsed(text: str) -> Microversion:
    if text == "latest":
        return HIGHEST
    match = _FORM.fullmatch(text)
    if not match:
        fault = bad_request(
            f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
        )
        fault.with_version_header = False
        raise fault
    version = number_of(match[1]), number_of(match[2])
    if not LOWEST <= version <= HIGHEST:
        raise UnknownVersionError(version)
    return version


class UnknownVersionError(ApiFault):
    def __init__(self, version: Microversion) -> None:
        super().__init__(
            406,
            f"Version {text_of(version)} is not supported by the API."
            f" Minimum is {text_of(LOWEST)} and maximum is {text_of(HIGHEST)}.",
            versioned=version >= LOWEST,
        )
        self.version = version


def storage_root(request: Request) -> Answer:
    """`GET /`: 300, all versions."""
    return json_answer(300, {"versions": [_v2(request), _v3(request)]})


def recorded_storage_root(request: Request) -> Answer:
    """`GET /volume/`: as a Cinder that no longer has v2."""
    return json_answer(300, {"versions": [_v3(request)]})


def _v2(request: Request) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "SUPPORTED",
        "version": "",
        "min_version": "",
        "updated": "2014-06-28T12:20:21Z",
        "links": _links(request, "v2"),
        "media-types": _media_types(2),
    }


def _v3(request: Request) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": text_of(HIGHEST),
        "min_version": text_of(LOWEST),
        "updated": "2023-08-31T00:00:00Z",
        "links": _links(request, "v3"),
        "media-types": _media_types(3),
    }


def _links(request: Request, version: str) -> list[dict[str, str]]:
    return [
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
        {"rel": "self", "href": f"{request.base_url}/{version}/"},
    ]


def _media_types(version: int) -> list[dict[str, str]]:
    kind = f"application/vnd.openstack.volume+json;version={version}"
    return [{"base": "application/json", "type": kind}]


def identity_root(request: Request) -> Answer:
    content = {"versions": {"values": [_identity(request)]}}
    return json_answer(300, content, (("Location", f"{request.base_url}/identity/v3/"),))


def identity_v3(request: Request) -> Answer:
    return json_answer(200, {"version": _identity(request)})


def _identity(request: Request) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.base_url}/v3/"}],
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
        ],
    }
