"""The cloud's state and options, and the fault planned for a request."""

from dataclasses import dataclass

from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.scenarios import Trouble
from snapshots.sandbox.state import State


@dataclass(frozen=True)
class Context:
    """What a handler needs in addition to the request."""

    state: State
    options: SandboxOptions
    request_id: str
    trouble: Trouble | None = None
