"""Verifies the trail with several processes. The report is that of a single process.

Each process checks the whole chain of seals, which is quick, and reads the rows of its own seals.
Sealed rows do not change, so the processes may read them at different moments.
"""

import logging
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Max

from snapshots.audit.database.settled import highest
from snapshots.audit.seals import keys
from snapshots.audit.seals.process import begin
from snapshots.audit.seals.verify import Part, Report, verify
from snapshots.models import Seal

log = logging.getLogger(__name__)

MOST_PROCESSES = 8
FEW_ROWS = 100_000  # one process has read them before others have started


def processors() -> int:
    """How many this process may use, and not so many that a database lacks connections for them."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(mine or 1, MOST_PROCESSES)


def verify_in_parallel(
    processes: int,
    *,
    public_keys: Sequence[Ed25519PublicKey],
    anchors: Sequence[Mapping[str, Any]] = (),
    since: int = 1,
) -> Report:
    """As `verify` with the first of the known keys and the old ones behind it; a trail of few rows
    is read by this process alone.
    """
    upto = Seal.objects.aggregate(last=Max("number"))["last"]
    if processes < 2 or type(upto) is not int or sum(highest().values()) < FEW_ROWS:
        return _verify(public_keys, anchors, since)
    parts = [Part(index, processes, upto) for index in range(processes)]
    pem = "".join(map(keys.public_pem, public_keys)).encode()
    context = multiprocessing.get_context("spawn")  # a connection must not be shared by forking
    try:
        with ProcessPoolExecutor(processes, context, initializer=begin) as pool:
            futures = [pool.submit(_verify_part, pem, list(anchors), since, part) for part in parts]
            return joined([future.result() for future in futures])
    except BrokenProcessPool:  # one was killed, or cannot read the settings a second time
        log.warning("A process that verified a part has ended; this one goes through all.")
        return _verify(public_keys, anchors, since)


def _verify_part(
    pem: bytes, anchors: Sequence[Mapping[str, Any]], since: int, part: Part
) -> Report:
    return _verify(keys.read_public(pem) if pem else [], anchors, since, part)


def _verify(
    public_keys: Sequence[Ed25519PublicKey],
    anchors: Sequence[Mapping[str, Any]],
    since: int,
    part: Part | None = None,
) -> Report:
    key = public_keys[0] if public_keys else None
    return verify(key=key, old_keys=public_keys[1:], anchors=anchors, since=since, part=part)


def joined(reports: Sequence[Report]) -> Report:
    """The first damage that any has found, or the sum."""
    damaged = [report for report in reports if report.damage]
    if damaged:
        return min(damaged, key=lambda report: report.stopped_at)
    rows, archived = (
        sum(getattr(report, name) for report in reports) for name in ("rows", "archived")
    )
    return replace(reports[0], rows=rows, archived=archived)
