"""Reading answers of any content: JSON made safe to store, and the values of headers.

Pure functions on bytes and headers; they raise nothing but `ValueError`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_MESSAGE = 500
LONGEST_RETRY_AFTER = 3600.0
_LONGEST_REQUEST_ID = 128
# PostgreSQL keeps no NUL and UTF-8 has no lone surrogates, but JSON can spell both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-openstack-request-id",
    "x-compute-request-id",
    "x-iam-trace-id",
)


def read_json(body: bytes) -> object:
    """The JSON value in `body`, all its texts storable; `ValueError` when it is not one."""
    try:
        return _storable(json.loads(body.decode("utf-8-sig")))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object in `body`, all its texts storable; `ValueError` when it is not one."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("\ufffd", key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # NaN and Infinity are no JSON, although Python reads them
    return value


def plain(text: str, *, longest: int = LONGEST_MESSAGE) -> str:
    """`text` on one line, storable and cut to `longest` characters."""
    line = " ".join(_UNSTORABLE.sub("\ufffd", text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says. `name` is the key it stood under, such as `itemNotFound`.

    `is_native`: in a shape that EVS, Cinder, their gateway or IAM use.
    """

    code: str = ""
    message: str = ""
    name: str = ""
    title: str = ""
    request_id: str = ""
    retry_after: object = None
    is_native: bool = False

    @property
    def gateway_number(self) -> str:
        """`0301` of `APIGW.0301` or `APIG.0301`; regions differ in the prefix."""
        prefix, _, number = self.code.upper().partition(".")
        return number if prefix in {"APIG", "APIGW"} else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    # A number beyond 64 bits is no code, and Python refuses to print the really long ones.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return ""


def request_id_of(headers: Mapping[str, str], fault: Fault | None) -> str:
    """The id to quote to the cloud's support, from the first header that carries it."""
    for name in _REQUEST_ID_HEADERS:
        if headers.get(name):
            return plain(headers[name], longest=_LONGEST_REQUEST_ID)
    return fault.request_id if fault else ""


def retry_after_of(headers: Mapping[str, str], fault: Fault | None) -> float | None:
    """Seconds to wait (0 to 3600) as the header or the body's `retryAfter` ask; None for neither.

    A date is compared with the answer's own `Date`, so that clocks need not agree.
    """
    asked = _seconds(headers.get("retry-after"), date=headers.get("date"))
    if asked is None and fault:
        asked = _seconds(fault.retry_after, date=None)
    return asked


def _seconds(value: object, *, date: str | None) -> float | None:
    text = _text(value).strip()
    try:
        seconds = float(text)
    except ValueError:
        then = http_date(text)
        if then is None:
            return None
        seconds = (then - (http_date(date or "") or datetime.now(UTC))).total_seconds()
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def http_date(text: str) -> datetime | None:
    """The moment in an HTTP date header, aware; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
