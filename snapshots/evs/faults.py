"""Reads why a cloud refuses: code and message of an error body, in the shapes that clouds use.

JSON: EVS page A-0013, Cinder's named faults, the gateway's and IAM's spellings, JSON:API
(`errors[].detail`), problem details (RFC 9457), SOAP's `faultstring`, OAuth's `error_description`.
Markup: SOAP and Cinder's old XML, and the title of a page. Otherwise a bare text. Any other body
gives no reason, and none is invented. Pure functions that never raise.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping

from snapshots.evs.answers import Fault, plain, read_json

_LONGEST_CODE = 64
_LONGEST_REQUEST_ID = 128
_DEEPEST = 4
_MOST_MARKUP = 8192  # characters; searching is quadratic in what a hostile server sends
# Keys without regard to case, `_` and `-`; the first that holds a text counts.
_CODES = ("errorcode", "code", "faultcode")
_TEXTS = (
    "errormsg",
    "message",
    "errormessage",
    "faultstring",
    "errordescription",
    "detail",
    "details",
    "reason",
    "msg",
    "description",
)
# Used only when no other key, here or further inside, says more.
_WEAK_TEXTS = ("error", "errors", "title")
# What EVS, Cinder, their gateway and IAM use. Another shape comes from something in between.
_NATIVE = frozenset({"errorcode", "code", "errormsg", "message"})
_NO_NAMES = frozenset({"", "error", "errors", "message", "fault"})
# The gateway repeats the request it tried to verify, headers included (page api-sign-errorcode).
_ECHO = re.compile(r"[,;.]?\s*canonical[ _-]?request\b.*", re.IGNORECASE | re.DOTALL)
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # Cinder's framework puts them into texts


def find_fault(body: bytes) -> Fault | None:
    """The fault in an error body; None when it does not say why."""
    try:
        value = read_json(body)
    except ValueError:
        return _fault_in_text(body)
    if isinstance(value, list):
        value = {"errors": value}
    if isinstance(value, dict):
        return _fault_in(value, name="", depth=0)
    text = _text(value) if isinstance(value, str) else ""
    return _fault({}, message=text) if _is_words(text) else None


def _fault_in(data: Mapping[str, object], *, name: str, depth: int) -> Fault | None:
    keyed = {_folded(key): value for key, value in [*data.items()][::-1]}
    code = next(filter(None, (_text_alone(keyed.get(key)) for key in _CODES)), "")
    message = _first(keyed, _TEXTS)
    is_native = any(_text_alone(keyed.get(key)) for key in _NATIVE)
    inside = None if message else _fault_inside(data, depth=depth)
    if not message and not code and inside:
        return inside
    message = message or (inside.message if inside else "") or _first(keyed, _WEAK_TEXTS)
    if not code and message == _text(keyed.get("errordescription")):
        code = _text(keyed.get("error"))  # OAuth (RFC 6749)
    if not code and not message:
        return None
    return _fault(data, code=code, message=message, name=name, is_native=is_native)


def _fault_inside(data: Mapping[str, object], *, depth: int) -> Fault | None:
    if depth == _DEEPEST:
        return None
    faults = (_fault_in(item, name=key, depth=depth + 1) for key, item in _objects_in(data))
    return next(filter(None, faults), None)


def _objects_in(data: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    for key, value in data.items():
        for item in value[:3] if isinstance(value, list) else [value]:
            inner = _object_in(item) if isinstance(item, str) else item
            if isinstance(inner, dict):
                yield key, inner


def _object_in(text: str) -> object:
    """The object in a text that is JSON itself, as some gateways wrap another's answer."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _folded(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _first(keyed: Mapping[str, object], keys: tuple[str, ...]) -> str:
    return next(filter(_is_words, (_text(keyed.get(key)) for key in keys)), "")


def _is_words(text: str) -> bool:
    return any(char.isalpha() for char in text)


def _text(value: object) -> str:
    """A text or number, or the first of a list of them; not a text that is an object itself."""
    if isinstance(value, list):
        return next(filter(None, map(_text_alone, value[:3])), "")
    return _text_alone(value)


def _text_alone(value: object) -> str:
    if isinstance(value, str):
        return "" if isinstance(_object_in(value), dict) else value.strip()
    # A number beyond 64 bits is no code, and Python refuses to print the really long ones.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return ""


def _fault(
    data: Mapping[str, object],
    *,
    code: str = "",
    message: str,
    name: str = "",
    is_native: bool = False,
) -> Fault:
    if code.isdigit() and len(code) == 3 and name not in _NO_NAMES:
        code = name  # Cinder repeats the HTTP status here; the fault's name says more
    return Fault(
        code=plain(code, longest=_LONGEST_CODE),
        message=plain(_ECHO.sub("", _LINE_BREAK.sub(" ", message))),
        name=plain(name, longest=_LONGEST_CODE),
        title=plain(_text(data.get("title"))),
        request_id=plain(_text(data.get("request_id")), longest=_LONGEST_REQUEST_ID),
        retry_after=data.get("retryAfter"),
        is_native=is_native,
    )


# --- bodies that are no JSON ------------------------------------------------------------------

_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?([A-Za-z][\w.-]{0,63})\b")
_TAG = re.compile(r"<[^<>]*>")
_XML_TEXTS = ("faultstring", "message", "text", "reason", "detail")
_XML_CODES = ("faultcode", "code")


def _fault_in_text(body: bytes) -> Fault | None:
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None
    if text.startswith("<"):
        return _fault_in_markup(text[:_MOST_MARKUP])
    is_readable = _is_words(text) and " ".join(text.split()).isprintable()
    is_broken_json = text.startswith(("{", "["))
    return _fault({}, message=text) if is_readable and not is_broken_json else None


def _fault_in_markup(text: str) -> Fault | None:
    if re.search(r"<(?:!doctype\s+)?html\b", text, re.IGNORECASE):
        title = _element(text, "title")
        return _fault({}, message=title) if title else None
    code = next(filter(None, (_element(text, name) for name in _XML_CODES)), "")
    message = next(filter(None, (_element(text, name) for name in _XML_TEXTS)), "")
    if not message:
        return None
    root = _ROOT.search(text)
    return _fault({}, code=code, message=message, name=root[1] if root else "")


def _element(text: str, name: str) -> str:
    """The text of the first element of this name that is not empty; "" for none."""
    for element in re.finditer(
        rf"<(?:[\w.-]{{1,40}}:)?{name}\b[^<>]*>(.*?)</(?:[\w.-]{{1,40}}:)?{name}\s*>",
        text,
        re.IGNORECASE | re.DOTALL,
    ):
        inner = element[1].replace("<![CDATA[", "").replace("]]>", "")
        content = html.unescape(_TAG.sub(" ", inner)).strip()
        if content:
            return content
    return ""
