"""The options of a sandbox. Their defaults are those of the demo, but for `with_snapshots`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ForceReading(StrEnum):
    """Which of the contradicting texts about `force` is obeyed (docs/evs-api.md, Statuses).

    `CINDER`: an `in-use` volume needs `force: true`; an `attaching` one is always refused
    (CIN 12.0.0 and later up to microversion 3.65, CSI #125). `EVS`: an `in-use` volume needs
    no force; an `attaching` one is possible with `force: true` only (English EVS pages,
    SEED).
    """

    CINDER = "cinder"
    EVS = "evs"


class ErrorStyle(StrEnum):
    """How `/v2` and the identity service word a refusal (docs/evs-api.md, Errors). `/v3` always
    answers as Cinder does.

    `EVS`: `{"error": {"code": "EVS.5400", "message": ...}}`, behind an API gateway with its own
    bodies. `CINDER`: faults named `badRequest`, `itemNotFound`, ... and no gateway.
    """

    EVS = "evs"
    CINDER = "cinder"


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """The options that a sandbox is started with."""

    # Where the cloud is kept; `None`: in memory only.
    state_file: Path | None = None
    # Whether a new cloud has the snapshots of `scenarios.SNAPSHOTS`, which no portal made.
    with_snapshots: bool = False
    # How long a snapshot of a small volume is `creating`; large volumes take a little longer.
    seconds: float = 4.0
    force_reading: ForceReading = ForceReading.CINDER
    errors: ErrorStyle = ErrorStyle.EVS
    # Real time added before each answer.
    latency_seconds: float = 0.0
    # The cloud's clock (seconds since 1970): statuses, times, tokens and signatures go by it.
    clock: Callable[[], float] = field(default=time.time)
    # How long a token is valid (24 h: IAM, iam_30_0001).
    token_seconds: float = 24 * 3600.0
    # Real time before a slow volume's answer.
    slow_seconds: float = 6.0
    # Real time a request that gets no answer is held before its connection is closed.
    hold_seconds: float = 120.0
    # Most manual snapshots of one volume on `/v2` (UG); 0: no limit.
    snapshots_per_volume: int = 7
    quota_snapshots: int = 2000
    quota_gigabytes: int = 500_000
    quota_volumes: int = 2000
    # Whether the compute service lists its servers to the accounts of the cloud; else 403.
    may_list_servers: bool = True
