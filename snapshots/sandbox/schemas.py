"""The request bodies that v3 accepts, refused with Cinder's messages (recorded in 04 to 06, 11, 12;
JSON schema's messages).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import ApiFault, bad_request, server_error
from snapshots.sandbox.messages import Json

CREATE_KEYS = r"^[a-zA-Z0-9-_:. /]{1,255}$"
METADATA_KEYS = r"^[a-zA-Z0-9-_:. ]{1,255}$"
_LONGEST = 255
_TRUE = (True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t")
_FALSE = (False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f")
_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "string": str,
    "null": type(None),
    "boolean": bool,
}


def _wrong(path: str, value: Json, problem: str) -> ApiFault:
    if not path:
        return bad_request(problem)
    return bad_request(f"Invalid input for field/attribute {path}. Value: {value}. {problem}")


def _expect_kind(path: str, value: Json, *kinds: str) -> None:
    if not any(isinstance(value, _KINDS[kind]) for kind in kinds):
        expected = ", ".join(repr(kind) for kind in kinds)
        raise _wrong(path, value, f"{value!r} is not of type {expected}")


def _expect_members(
    path: str, value: Json, allowed: Iterable[str], required: Iterable[str]
) -> None:
    for name in required:
        if name not in value:
            raise _wrong(path, value, f"{name!r} is a required property")
    extra = [name for name in value if name not in allowed]
    if extra:
        names = ", ".join(repr(name) for name in sorted(extra))
        verb = "was" if len(extra) == 1 else "were"
        raise _wrong(
            path, value, f"Additional properties are not allowed ({names} {verb} unexpected)"
        )


def _check(body: Json, name: str, check: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The only member of a body. Its content is checked before missing and extra members, as
    recorded.
    """
    _expect_kind("", body, "object")
    if name in body:
        _expect_kind(name, body[name], "object")
        check(body[name])
    _expect_members("", body, (name,), (name,))
    inner: dict[str, Any] = body[name]
    return inner


def create_body(body: Json) -> dict[str, Any]:
    """The `snapshot` member of a create request.

    Raises ApiFault: 400 in the schema's words; 500 for what Cinder's database cannot hold.
    """
    given = _check(body, "snapshot", _check_create)
    if "display_name" in given:
        given = {"name": given["display_name"]} | given
    storable(given.get("name"), *(given.get("metadata") or {}).values())
    return given


def _check_create(given: dict[str, Any]) -> None:
    checks: dict[str, Callable[[str, Json], object]] = {
        "name": _name,
        "display_name": _name,
        "description": _description,
        "volume_id": _identifier,
        "force": lambda _, value: force(value),
        "metadata": _create_metadata,
    }
    for name, check in checks.items():
        if name in given:
            check(name, given[name])
    _expect_members("snapshot", given, checks, ("volume_id",))


def _create_metadata(path: str, value: Json) -> None:
    _expect_kind(path, value, "object", "null")
    metadata_entries(value or {}, CREATE_KEYS)


def volume_body(body: Json) -> dict[str, Any]:
    """The `volume` member of a create request. Unknown members are ignored, as recorded in 16.

    Raises ApiFault: as `create_body`.
    """
    _expect_kind("", body, "object")
    if "volume" not in body:
        raise _wrong("", body, "'volume' is a required property")
    given: dict[str, Any] = body["volume"]
    _expect_kind("volume", given, "object")
    _volume_size(given.get("size"))
    _identifier("snapshot_id", given.get("snapshot_id"))
    return given


def _volume_size(size: Json) -> None:
    """A whole number from 1, also as a text."""
    if isinstance(size, str):
        if not re.fullmatch("[0-9]+", size):
            raise _wrong("size", size, f"{size!r} does not match '^[0-9]+$'")
        if not number_of(size):
            raise bad_request(
                f"Invalid input received: Invalid volume size provided for create request: {size}"
                " (size argument must be an integer (or string representation of an integer) and"
                " greater than zero)."
            )
    elif size is not None:
        is_whole = isinstance(size, int) or (isinstance(size, float) and size.is_integer())
        if isinstance(size, bool) or not is_whole:
            raise _wrong("size", size, f"{size!r} is not of type 'integer', 'string', 'null'")
        if size < 1:
            raise _wrong("size", size, f"{size} is less than the minimum of 1")


def update_body(body: Json) -> dict[str, Any]:
    """The `snapshot` member of an update request, with the old names of version 1 translated.

    Raises ApiFault: as `create_body`.
    """
    given = _check(body, "snapshot", _check_update)
    given = {name.removeprefix("display_"): value for name, value in given.items()}
    storable(given.get("name"))
    return given


def _check_update(given: dict[str, Any]) -> None:
    allowed = ("name", "description", "display_name", "display_description")
    for name in allowed:
        if name in given:
            (_name if name.endswith("name") else _description)(name, given[name])
    _expect_members("snapshot", given, allowed, ())
    if not given:
        raise _wrong("snapshot", given, f"{given!r} is not valid under any of the given schemas")


def metadata_body(body: Json) -> dict[str, str]:
    """The `metadata` member of a metadata request.

    Raises ApiFault: as `create_body`.
    """
    given = _check(body, "metadata", lambda inner: metadata_entries(inner, METADATA_KEYS))
    storable(*given.values())
    return given


def meta_body(body: Json) -> dict[str, str]:
    """The `meta` member of a request about one metadata key.

    Raises ApiFault: as `create_body`.
    """
    given = _check(body, "meta", _check_meta)
    storable(*given.values())
    return given


def _check_meta(given: dict[str, Any]) -> None:
    metadata_entries(given, METADATA_KEYS, path="meta")
    if len(given) > 1:
        raise _wrong("meta", given, f"{given!r} has too many properties")


def metadata_entries(given: dict[str, Any], pattern: str, path: str = "metadata") -> None:
    bad = [key for key in given if not re.search(pattern, key)]
    if bad:
        names = ", ".join(repr(key) for key in sorted(bad))
        verb = "does" if len(bad) == 1 else "do"
        raise _wrong(path, given, f"{names} {verb} not match any of the regexes: {pattern!r}")
    for key, value in given.items():
        _expect_kind(key, value, "string")
        _expect_short(key, value)


def _expect_short(path: str, value: str) -> None:
    if len(value) > _LONGEST:
        raise _wrong(path, value, f"{value!r} is too long")


def _name(path: str, value: Json) -> None:
    _expect_kind(path, value, "string", "null")
    _expect_short(path, value or "")


def _description(path: str, value: Json) -> None:
    _name(path, value)
    if value and not re.search(printable_pattern(), value):
        raise _wrong(path, value, f"{value!r} does not match {printable_pattern()!r}")


def force(value: Json) -> bool:
    """The boolean `force`, which may also be a text.

    Raises ApiFault: 400 when it is neither.
    """
    _expect_kind("force", value, "boolean", "string")
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _wrong("force", value, f"{value!r} is not one of {[*_TRUE, *_FALSE]!r}")


def _identifier(path: str, value: Json) -> None:
    if value is None:
        return
    plain = (
        value.replace("urn:", "").replace("uuid:", "").strip("{}") if isinstance(value, str) else ""
    )
    if not re.fullmatch(r"[0-9a-fA-F]{32}", plain.replace("-", "")):
        raise _wrong(path, value, f"{value!r} is not valid under any of the given schemas")


def storable(*texts: str | None) -> None:
    """Refuse a text that the recorded cloud's database cannot hold.

    Raises ApiFault: 500.
    """
    if any(ord(c) > 0xFFFF or 0xD800 <= ord(c) < 0xE000 for text in texts for c in text or ""):
        raise server_error()


@cache
def printable_pattern() -> str:
    """All printable characters up to U+FFFE as one regular expression, built the way Cinder
    builds it (CIN).
    """
    return f"^[{_ranges(_is_printable)}]*$"


def _is_printable(char: str) -> bool:
    category = unicodedata.category(char)
    return not category.startswith("C") and (not category.startswith("Z") or category == "Zs")


def _ranges(is_valid: Callable[[str], bool]) -> str:
    parts: list[str] = []
    first = last = ""
    for char in map(chr, range(0xFFFF)):
        if is_valid(char):
            if not first:
                first = char
                parts.append(re.escape(char))
            last = char
        elif first:
            if last != first:
                parts.append("-" + re.escape(last))
            first = ""
    return "".join(parts)
