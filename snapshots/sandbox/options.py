"""What may be chosen about a sandbox. Defaults are what the demo shows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ForceReading(StrEnum):
    """Which of the contradicting texts about ``force`` is obeyed (evs-api.md 3.3).

    ``CINDER``: an ``in-use`` volume needs ``force: true``; an ``attaching`` one is always refused
    (CIN 12.0.0 and later up to microversion 3.65, CSI #125). ``EVS``: an ``in-use`` volume needs
    no force; an ``attaching`` one is possible with ``force: true`` only (English EVS pages,
    SEED).
    """

    CINDER = "cinder"
    EVS = "evs"


class ErrorStyle(StrEnum):
    """How ``/v2`` and the identity service word a refusal (evs-api.md 7.1). ``/v3`` always
    answers as Cinder.

    ``EVS``: ``{"error": {"code": "EVS.5400", "message": ...}}``, behind an API gateway with
    bodies of its own. ``CINDER``: faults named ``badRequest``, ``itemNotFound``, ... and no
    gateway.
    """

    EVS = "evs"
    CINDER = "cinder"


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """Everything a sandbox can be told at its start."""

    state_file: Path | None = None
    """Where the cloud is kept; ``None``: in memory only."""
    seconds: float = 4.0
    """How long a snapshot of a small volume is ``creating``; large volumes take a little longer."""
    force_reading: ForceReading = ForceReading.CINDER
    errors: ErrorStyle = ErrorStyle.EVS
    latency_seconds: float = 0.0
    """Real time added before each answer."""
    clock: Callable[[], float] = field(default=time.time)
    """The cloud's clock (seconds since 1970): statuses, times, tokens and signatures go by it."""
    token_seconds: float = 24 * 3600.0
    """How long a token is valid (24 h: IAM, iam_30_0001)."""
    slow_seconds: float = 6.0
    """Real time before a slow volume's answer."""
    hold_seconds: float = 120.0
    """Real time a request that gets no answer is held before its connection is closed."""
    snapshots_per_volume: int = 7
    """Most manual snapshots of one volume on ``/v2`` (UG); 0: no limit."""
    quota_snapshots: int = 2000
    quota_gigabytes: int = 500_000
    quota_volumes: int = 2000
