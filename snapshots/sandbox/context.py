"""What a request is answered with: the cloud's state, its options, and what is planned for it."""

from dataclasses import dataclass

from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.scenarios import Trouble
from snapshots.sandbox.state import State


@dataclass(frozen=True)
class Context:
    """What the handler of a request needs beside the request."""

    state: State
    options: SandboxOptions
    request_id: str
    trouble: Trouble | None = None
