"""An authenticated call of the storage API, as handlers receive it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from snapshots.sandbox.errors import bad_request, denied, missing
from snapshots.sandbox.messages import Json, Request
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.records import Caller, Snapshot, Volume
from snapshots.sandbox.scenarios import Role, Trouble
from snapshots.sandbox.state import LINGERING, State

Microversion = tuple[int, int]
_YES = {"1", "t", "true", "on", "y", "yes"}
_NO = {"0", "f", "false", "off", "n", "no"}


class Dialect(Enum):
    """The dialects of the API (docs/evs-api.md, Dialects)."""

    # Native Cinder v3.
    V3 = auto()
    # Native Cinder v2 as EVS documents it.
    V2 = auto()
    # `cloudsnapshots`, `cloudvolumes`.
    VENDOR = auto()


@dataclass(frozen=True)
class Call:
    request: Request
    state: State
    options: SandboxOptions
    caller: Caller
    dialect: Dialect
    version: Microversion
    # Named parts of the path.
    path: Mapping[str, str]
    body: Json = None
    # Trouble planned for this call, whatever the volume.
    trouble: Trouble | None = None

    @property
    def now(self) -> int:
        return int(self.state.clock())

    @property
    def project_id(self) -> str:
        return self.caller.project_id or ""

    @property
    def is_v3(self) -> bool:
        return self.dialect is Dialect.V3

    def require_member(self, rule: str) -> None:
        """Readers may read, but not change (recorded as reader).

        Raises ApiFault: 403.
        """
        if self.caller.role not in (Role.MEMBER, Role.ADMIN):
            raise denied(rule)

    def require_admin(self, rule: str) -> None:
        """Raises ApiFault, 403, for any caller but the administrator."""
        if not self.caller.is_admin:
            raise denied(rule)

    def flag(self, name: str) -> bool:
        """A boolean parameter, in any of the spellings that Cinder reads.

        Raises ApiFault: 400 for any other spelling.
        """
        text = self.request.last_params.get(name, "false")
        if text.lower() not in _YES | _NO:
            raise bad_request(f"Value '{text}' for '{name}' is not a boolean.")
        return text.lower() in _YES

    def snapshot(self, ident: str) -> Snapshot:
        """A snapshot that the caller may see.

        Raises ApiFault: 404 when it is gone or another project's.
        """
        snapshot = self.state.snapshot(ident)
        if snapshot is None or not self._sees(snapshot.project_id):
            raise missing("Snapshot", ident)
        if snapshot.status == LINGERING:
            raise missing("Snapshot", ident)
        return snapshot

    def volume(self, ident: str | None) -> Volume:
        """A volume that the caller may see.

        Raises ApiFault: 404 when it is gone or another project's.
        """
        volume = self.state.volume(ident) if ident else None
        if volume is None or not self._sees(volume.project_id):
            raise missing("Volume", ident)
        return volume

    def _sees(self, project_id: str) -> bool:
        return self.caller.is_admin or project_id == self.caller.project_id


def new_id() -> str:
    return str(uuid.uuid4())
