"""The records of a cloud, as rows of its state file."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from snapshots.sandbox.scenarios import Role, Trouble

_AS_JSON = ("metadata", "attachments")
_AS_BOOL = ("bootable", "encrypted", "multiattach")


def to_columns(record: Any) -> dict[str, Any]:
    columns = asdict(record)
    for name in _AS_JSON:
        if name in columns:
            columns[name] = json.dumps(columns[name])
    return columns


def _from_row(row: sqlite3.Row) -> dict[str, Any]:
    columns = dict(row)
    for name in _AS_JSON:
        if name in columns:
            columns[name] = json.loads(columns[name])
    for name in _AS_BOOL:
        if name in columns:
            columns[name] = bool(columns[name])
    return columns


@dataclass
class Snapshot:
    id: str
    project_id: str
    user_id: str
    volume_id: str
    name: str | None
    description: str | None
    status: str
    size: int
    metadata: dict[str, str]
    # Whole seconds: what Cinder's database keeps (recorded).
    created_at: int
    updated_at: int | None = None
    progress: str = "0%"

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        return cls(**_from_row(row))


@dataclass
class Volume:
    id: str
    project_id: str
    user_id: str
    name: str
    size: int
    created_at: int
    status: str = "available"
    description: str | None = None
    volume_type: str = "SAS"
    availability_zone: str = ""
    trouble: str = Trouble.NONE
    # How often its trouble refused a call since it last let one through.
    trouble_calls: int = 0
    bootable: bool = False
    encrypted: bool = False
    multiattach: bool = False
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    snapshot_id: str | None = None
    updated_at: int | None = None
    # Where it lies; empty until it is made.
    host: str = "sandbox@ssd"

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        return cls(**_from_row(row))


@dataclass
class Server:
    id: str
    project_id: str
    user_id: str
    # Nova gives every server a name; another service may not.
    name: str | None
    availability_zone: str
    created_at: int


@dataclass(frozen=True)
class Token:
    token: str
    user_id: str
    project_id: str | None
    method: str
    audit_id: str
    issued_at: float
    expires_at: float


@dataclass(frozen=True)
class Caller:
    """The user that sent a request, and the project."""

    user_id: str
    project_id: str | None
    role: Role | None

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


Row = Mapping[str, Any]
