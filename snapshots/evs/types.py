"""The contents of the cloud's answers, as our own frozen types.

Reading is tolerant, because editions and regions differ: unknown fields stay in `raw`, missing
fields become empty. Only an id and a status are required. Texts are cut to the lengths that the
cloud allows, so that no answer overflows a column.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from snapshots.evs.answers import plain
from snapshots.evs.errors import UnreadableAnswer

LONGEST_ID = 64
_LONGEST_STATUS = 64
_LONGEST_TEXT = 255
_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSnapshot:
    """The arguments of a creation (page evs_04_2093), already checked against `limits`.

    `force` allows a volume in use: the snapshot is crash-consistent and lacks data in a server's
    memory. `metadata` is sent unchanged.
    """

    volume_id: str
    name: str | None = None
    description: str | None = None
    force: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume:
    """The arguments of a volume made from a snapshot (page evs_04_2065).

    EVS requires size and zone: the size is the snapshot's or more, at least 10 GB for a data disk.
    Zone and type, when given, must be those of the snapshot's volume; a plain Cinder needs neither
    and takes the type of that volume, so "" leaves them out. `metadata` is sent unchanged; it must
    not have `__system__encrypted`, `__system__cmkid` or `hw:passthrough`, which EVS copies itself
    and refuses (EVS.1043).
    """

    snapshot_id: str
    size_gb: int
    name: str | None = None
    description: str | None = None
    availability_zone: str = ""
    volume_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSnapshot:
    """A snapshot as the cloud describes it (page A-2097).

    `size_gb` is the volume's size in GiB, despite its name; None when the cloud does not give a
    whole number. `status` is the cloud's own word, also an unknown one; compare it without regard
    to case. `progress` is such as "100%", or "". Times are UTC.
    """

    id: str
    name: str
    description: str
    status: str
    volume_id: str
    size_gb: int | None
    metadata: Mapping[str, str] = field(hash=False)
    created_at: datetime | None
    updated_at: datetime | None
    progress: str
    raw: Mapping[str, object] = field(repr=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Where a volume is attached: the server and the device name inside it."""

    server_id: str
    device: str
    attached_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudVolume:
    """An EVS disk as the cloud describes it (page A-2069); sizes and times as in `CloudSnapshot`.

    `encrypted` also reads the metadata `__system__encrypted`, because the documents call the field
    of that name unsupported. `snapshot_id` is the snapshot that it was made from, which may be
    deleted since; "" for none.
    """

    id: str
    name: str
    status: str
    size_gb: int | None
    volume_type: str
    availability_zone: str
    bootable: bool
    encrypted: bool
    multiattach: bool
    attachments: tuple[Attachment, ...]
    snapshot_id: str
    metadata: Mapping[str, str] = field(hash=False)
    tags: Mapping[str, str] = field(hash=False)  # Huawei's own, beside the metadata
    created_at: datetime | None
    updated_at: datetime | None
    raw: Mapping[str, object] = field(repr=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudServer:
    """A server as the compute service names it; `name` is empty where it has none."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A line of the project's quota (page A-2073); a `limit` below 0 means no limit.

    `in_use` is None when the cloud does not say. `reserved` counts operations under way; 0 where a
    cloud has no such number.
    """

    limit: int
    in_use: int | None
    reserved: int

    @property
    def free(self) -> int | None:
        """What is left, never below 0; None without a limit, or when the cloud does not say what is
        used.
        """
        if self.limit < 0 or self.in_use is None:
            return None
        return max(self.limit - self.in_use - self.reserved, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What the project may hold. `by_type` has the lines per disk type, such as `snapshots_SSD`.

    Advisory only: the cloud decides when a snapshot is created. None: the cloud does not say.
    """

    snapshots: Quota | None
    gigabytes: Quota | None
    volumes: Quota | None = None
    by_type: Mapping[str, Quota] = field(hash=False)


def snapshot_from(data: object) -> CloudSnapshot:
    """Read the object under `snapshot`; raises UnreadableAnswer without an id or status."""
    row = _object(data, what="snapshot")
    return CloudSnapshot(
        id=_required(row, "id", what="snapshot", longest=LONGEST_ID),
        name=_text(row.get("name")),
        description=_text(row.get("description")),
        status=_required(row, "status", what="snapshot", longest=_LONGEST_STATUS),
        volume_id=_text(row.get("volume_id"), longest=LONGEST_ID),
        size_gb=_count(row.get("size")),
        metadata=_metadata(row.get("metadata")),
        created_at=moment(row.get("created_at")),
        updated_at=moment(row.get("updated_at")),
        progress=_text(row.get("os-extended-snapshot-attributes:progress"), longest=16),
        raw=row,
    )


def volume_from(data: object) -> CloudVolume:
    """Read the object under `volume`; raises UnreadableAnswer without an id or status."""
    row = _object(data, what="volume")
    metadata = _metadata(row.get("metadata"))
    return CloudVolume(
        id=_required(row, "id", what="volume", longest=LONGEST_ID),
        name=_text(row.get("name")),
        status=_required(row, "status", what="volume", longest=_LONGEST_STATUS),
        size_gb=_count(row.get("size")),
        volume_type=_text(row.get("volume_type")),
        availability_zone=_text(row.get("availability_zone")),
        bootable=_truth(row.get("bootable")),
        encrypted=_truth(row.get("encrypted")) or metadata.get("__system__encrypted") == "1",
        multiattach=_truth(row.get("multiattach")) or _truth(row.get("shareable")),
        attachments=_attachments(row.get("attachments")),
        snapshot_id=_text(row.get("snapshot_id"), longest=LONGEST_ID),
        metadata=metadata,
        tags=_metadata(row.get("tags")),
        created_at=moment(row.get("created_at")),
        updated_at=moment(row.get("updated_at")),
        raw=row,
    )


def server_from(data: object) -> CloudServer:
    """Read an object under `servers`; raises UnreadableAnswer without an id."""
    row = _object(data, what="server")
    server_id = _required(row, "id", what="server", longest=LONGEST_ID)
    return CloudServer(id=server_id, name=_text(row.get("name")).strip())


def metadata_from(data: object) -> Mapping[str, str]:
    """Read the object under `metadata` (page A-2099); raises UnreadableAnswer when it is none."""
    return _metadata(_object(data, what="metadata"))


def quotas_from(data: object) -> Quotas:
    """Read the object under `quota_set`; lines that are no quotas are left out.

    A line holds `limit` and `in_use` (or `used`), or is the limit alone, as without `usage=True`.
    """
    row = _object(data, what="quota")
    lines = {name: quota for name, value in row.items() if (quota := _quota(value))}
    typed = ("snapshots_", "gigabytes_")
    return Quotas(
        snapshots=lines.get("snapshots"),
        gigabytes=lines.get("gigabytes"),
        volumes=lines.get("volumes"),
        by_type={k: v for k, v in lines.items() if k.startswith(typed)},
    )


def _quota(value: object) -> Quota | None:
    line = value if isinstance(value, dict) else {"limit": value}
    limit = whole_number(line.get("limit"))
    if limit is None:
        return None
    in_use = _count(line.get("in_use"))
    if in_use is None:
        in_use = _count(line.get("used"))
    reserved = 0 if line.get("reserved") is None else _count(line["reserved"])
    if reserved is None:  # told, but unreadable: how much is left is not known either
        in_use = None
    return Quota(limit=max(min(limit, _LARGEST_NUMBER), -1), in_use=in_use, reserved=reserved or 0)


def _attachments(value: object) -> tuple[Attachment, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(
        Attachment(
            server_id=_text(row.get("server_id")),
            device=_text(row.get("device")),
            attached_at=moment(row.get("attached_at")),
        )
        for row in rows
        if isinstance(row, dict)
    )


_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[Tt]|\s+)(?P<minute>\d{2}:\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?:[Zz]|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2})(?::?(?P<minutes>[0-5]\d))?)?",
    re.ASCII,
)
_LONGEST_MOMENT = 100


def moment(value: object) -> datetime | None:
    """A time as the cloud writes it, aware in UTC; None when it is none.

    Documented form: UTC without saying so, `2013-02-25T03:56:53.081642`. Seen besides: a lower-case
    `t` or a blank, no seconds, longer fractions (cut to microseconds), a final `Z` (IAM), an offset
    such as `+03:00`, `+0300` or `-05`, blanks around.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_MOMENT:
        return None
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        return None
    fraction = f"{(match['fraction'] or '0')[:6]:0<6}"
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    if offset >= _LONGEST_OFFSET:
        return None
    try:
        local = datetime.fromisoformat(
            f"{match['day']}T{match['minute']}:{match['second'] or '00'}.{fraction}"
        ).replace(tzinfo=UTC)
        return local + offset if match["sign"] == "-" else local - offset
    except (ValueError, OverflowError):
        return None


_LONGEST_OFFSET = timedelta(hours=24)


def _object(data: object, *, what: str) -> dict[str, object]:
    if not isinstance(data, dict):
        raise UnreadableAnswer(f"The cloud's answer holds no {what}.")
    return data


def _required(row: Mapping[str, object], key: str, *, what: str, longest: int) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UnreadableAnswer(f"The cloud's answer holds a {what} without {key}.")
    if len(value) > longest and key == "id":
        raise UnreadableAnswer(f"The cloud's answer holds a {what} with an endless {key}.")
    return value.strip()[:longest]


def _text(value: object, *, longest: int = _LONGEST_TEXT) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _metadata(value: object) -> Mapping[str, str]:
    rows = value.items() if isinstance(value, dict) else ()
    return {str(key): _as_text(item) for key, item in rows}


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    # Python refuses to print numbers of thousands of digits.
    try:
        return plain(str(value), longest=_LONGEST_TEXT)
    except ValueError:
        return ""


_WHOLE = re.compile(r"([+-]?\d{1,15})(?:\.0*)?", re.ASCII)


def whole_number(value: object) -> int | None:
    """A whole number, also as a text or with an empty fraction (`40`, `"40"`, `40.0`, `"40.0"`).

    None for anything else: a missing number must not look like one.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, int):
        return value
    match = _WHOLE.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match[1]) if match else None


def _count(value: object) -> int | None:
    """A whole number from 0 to 2,147,483,647; None for anything else."""
    number = whole_number(value)
    return number if number is not None and 0 <= number <= _LARGEST_NUMBER else None


def _truth(value: object) -> bool:
    """The documents show booleans as booleans and as the strings "true" and "false"."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
