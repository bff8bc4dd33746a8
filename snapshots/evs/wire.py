"""Bytes out, bytes in: the only place that knows an HTTP library."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from snapshots.evs.errors import EvsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request, complete as it leaves. Headers and body hold secrets, so no repr shows them.

    `sensitive` marks a body that must never be kept, such as a login's.
    """

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    purpose: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes | None = field(default=None, repr=False)
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are lower-case, repeated ones joined by a comma.

    `elapsed_ms` runs from before the request was recorded to the last byte.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False, hash=False)
    body: bytes = field(repr=False)
    elapsed_ms: float


class Recorder(Protocol):
    """Remembers exchanges. For each `opened`, exactly one of the two others follows."""

    def opened(self, request: Outgoing) -> None:
        """Called before any byte leaves; what it raises stops the request."""

    def answered(self, request: Outgoing, answer: Answer) -> None:
        """A complete answer came, whatever its status."""

    def failed(
        self, request: Outgoing, error: EvsError, *, elapsed_ms: float, answer: Answer | None
    ) -> None:
        """No complete answer came; `answer` is what did arrive of it, if its status did."""
