"""Lists: filters, order and paging. v3 as recorded in 10-lists; v2 and vendor as documented
(docs/evs-api.md, Dialects).
"""

import re
import uuid
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from snapshots.sandbox.call import Call, Dialect
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import ApiFault, bad_request, missing
from snapshots.sandbox.messages import Json
from snapshots.sandbox.views import link_base

MOST = 1000
_BIGGEST = 2**31 - 1
_PAGING = {"limit", "offset", "marker", "sort", "sort_key", "sort_dir", "with_count", "all_tenants"}


@dataclass
class Where:
    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: Any) -> None:
        self.clauses.append(clause)
        self.values.extend(values)

    @property
    def sql(self) -> str:
        return " AND ".join(f"({clause})" for clause in self.clauses) or "1"


@dataclass(frozen=True)
class Listing:
    """A table that can be listed, with its filters and sort keys."""

    table: str
    noun: str
    show: Callable[[Any, Call], dict[str, Any]]
    from_row: Callable[[Any], Any]
    # Path below the project, for the link to the next page.
    path: str
    # Filter names and the SQL that compares.
    filters: Mapping[str, str]
    sort_keys: Mapping[str, str]
    counted: bool = False
    # Leaves out rows that a list does not show.
    narrow: Callable[[Where, Call], None] | None = None


@dataclass(frozen=True)
class Order:
    columns: tuple[str, ...]
    descending: tuple[bool, ...]

    @property
    def sql(self) -> str:
        pairs = zip(self.columns, self.descending, strict=True)
        return ", ".join(f"{column} {'DESC' if down else 'ASC'}" for column, down in pairs)


def answer(call: Call, listing: Listing) -> dict[str, Json]:
    """The list that a request asks for.

    Raises ApiFault: 400 or 404 for a parameter that cannot be used.
    """
    params = call.request.last_params
    limit, offset = _limit(call), _offset(call)
    order = _order(call, listing)
    where = _where(call, listing)
    total = where.sql, tuple(where.values)
    if marker := params.get("marker"):
        _after_marker(call, listing, where, order, marker)
    rows = call.state.rows(
        f"SELECT * FROM {listing.table} WHERE {where.sql} ORDER BY {order.sql} LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    )
    items = [listing.from_row(row) for row in rows]
    content: dict[str, Json] = {listing.noun: [listing.show(item, call) for item in items]}
    if items and len(items) == limit:
        content[f"{listing.noun}_links"] = [{"rel": "next", "href": _next(call, listing, items)}]
    if listing.counted or _wants_count(call):
        sql = f"SELECT count(*) FROM {listing.table} WHERE {total[0]}"
        content["count"] = call.state.number(sql, total[1])
    return content


# --- limit, offset, count ---


def _limit(call: Call) -> int:
    text = call.request.last_params.get("limit")
    if text is None:
        return MOST
    if not re.fullmatch(r"[+-]?\d+", text.strip()):
        raise bad_request("limit param must be an integer")
    limit = number_of(text)
    if limit < 0:
        raise bad_request("limit param must be positive")
    if not call.is_v3 and not 1 <= limit <= MOST:
        raise bad_request(f"limit must be between 1 and {MOST}", "EVS.1023")
    return min(limit, MOST)


def _offset(call: Call) -> int:
    text = call.request.last_params.get("offset", "0")
    if not re.fullmatch(r"[+-]?\d+", text.strip()):
        raise bad_request("offset must be an integer")
    offset = number_of(text)
    if offset < 0:
        raise bad_request("offset must be >= 0")
    if offset > _BIGGEST:
        raise bad_request(f"offset must be <= {_BIGGEST}")
    return offset


def _wants_count(call: Call) -> bool:
    return call.version >= (3, 45) and call.flag("with_count")


# --- filters ---


def _where(call: Call, listing: Listing) -> Where:
    where = Where()
    params = call.request.last_params
    if not (call.caller.is_admin and params.get("all_tenants") in ("1", "true", "True")):
        where.add("project_id = ?", call.project_id)
    if listing.narrow:
        listing.narrow(where, call)
    given = {name: value for name, value in params.items() if name not in _PAGING}
    _refuse_unknown(call, listing, given)
    for name, value in given.items():
        if name in listing.filters:
            where.add(listing.filters[name], value)
    if "metadata" in given and (call.version >= (3, 22) or listing.noun == "volumes"):
        _match_metadata(where, given["metadata"])
    if call.dialect is Dialect.VENDOR:
        _match_ids(where, call)
    return where


def _refuse_unknown(call: Call, listing: Listing, given: Mapping[str, str]) -> None:
    """From 3.31 an unknown filter is an error; before, and in v2, it is ignored (recorded; CIN)."""
    if call.version < (3, 31):
        return
    allowed = {*listing.filters, "metadata"}
    if call.version >= (3, 65):
        allowed.add("consumes_quota")  # everything does here
    unknown = [name for name in given if name not in allowed]
    if unknown and not call.caller.is_admin:
        raise bad_request(f"Invalid filters {','.join(unknown)} are found in query options.")


def _match_metadata(where: Where, text: str) -> None:
    try:
        metadata = literal_eval(text)
    except (ValueError, SyntaxError):
        metadata = None
    if not isinstance(metadata, dict):
        where.add("0")
        return
    for key, value in metadata.items():
        where.add(
            "EXISTS (SELECT 1 FROM json_each(metadata) AS m WHERE m.key = ? AND m.value = ?)",
            str(key),
            str(value),
        )


def _match_ids(where: Where, call: Call) -> None:
    """`id=a&id=b`: any of them (A-2021)."""
    idents = [value for name, value in call.request.params if name == "id"]
    if idents:
        where.add(f"id IN ({', '.join('?' * len(idents))})", *idents)


# --- order and marker ---


def _order(call: Call, listing: Listing) -> Order:
    params = call.request.last_params
    if "sort" in params and ("sort_key" in params or "sort_dir" in params):
        raise bad_request(
            "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with"
            " the 'sort' parameter."
        )
    if "sort" in params:
        pairs = [_pair(part) for part in params["sort"].split(",")]
    elif "sort_key" in params or "sort_dir" in params:
        keys = params.get("sort_key", "created_at").split(",")
        pairs = [(key.strip(), params.get("sort_dir", "desc").strip()) for key in keys]
    else:
        pairs = []
    return _checked_order(call, listing, pairs)


def _pair(part: str) -> tuple[str, str]:
    key, _, direction = part.partition(":")
    return key.strip(), direction.strip() or "desc"


def _checked_order(call: Call, listing: Listing, pairs: list[tuple[str, str]]) -> Order:
    if any(direction not in ("asc", "desc") for _, direction in pairs):
        raise _sort_fault(call, "Unknown sort direction, must be 'desc' or 'asc'.", "EVS.1040")
    keys = dict(listing.sort_keys)
    if call.version >= (3, 30) or listing.noun == "volumes":
        keys["name"] = "fold(name)"
    if any(key not in keys for key, _ in pairs):
        raise _sort_fault(call, "Invalid sort key", "EVS.1039")
    chosen = {keys[key]: direction == "desc" for key, direction in pairs}
    rest = pairs[0][1] == "desc" if pairs else True
    for column in ("created_at", "id"):
        chosen.setdefault(column, rest)
    return Order(tuple(chosen), tuple(chosen.values()))


def _sort_fault(call: Call, message: str, code: str) -> ApiFault:
    return bad_request(f"Invalid input received: {message}", code if not call.is_v3 else "EVS.5400")


def _after_marker(call: Call, listing: Listing, where: Where, order: Order, marker: str) -> None:
    if not call.is_v3 and not _is_uuid(marker):
        raise bad_request("marker must be a UUID", "EVS.1024")
    columns = ", ".join(order.columns)
    rows = call.state.rows(
        f"SELECT {columns} FROM {listing.table} WHERE id = ? AND project_id = ?",
        (marker.lower(), call.project_id),
    )
    if not rows:
        raise missing(listing.noun[:-1].capitalize(), marker)
    steps, values = [], []
    for depth, (column, down) in enumerate(zip(order.columns, order.descending, strict=True)):
        equal = [f"{earlier} IS ?" for earlier in order.columns[:depth]]
        steps.append(" AND ".join([*equal, f"{column} {'<' if down else '>'} ?"]))
        values.extend([*rows[0][:depth], rows[0][depth]])
    where.add(" OR ".join(f"({step})" for step in steps), *values)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _next(call: Call, listing: Listing, items: list[Any]) -> str:
    version = "v3" if call.is_v3 else "v2"
    params = [(name, value) for name, value in call.request.params if name != "marker"]
    params.append(("marker", items[-1].id))
    path = f"/{version}/{call.project_id}/{listing.path}"
    return f"{link_base(call)}{path}?{urlencode(params, safe=':')}"
