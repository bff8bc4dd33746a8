"""Gathers the facts for the judge: from the tables, from the proxy, from the cloud itself."""

import time
from collections import Counter
from urllib.parse import urlsplit

from django.db import connection

from snapshots.models import (
    FINAL,
    Anomaly,
    Answer,
    Exchange,
    Operation,
    OperationState,
    Purpose,
    Snapshot,
)
from tests.faults.answers import KEEPS_STATUS
from tests.faults.facts import (
    INTENT,
    TOUCH,
    Facts,
    Made,
    MadeVolume,
    Mirrored,
    Outside,
    Row,
    Sent,
    Shown,
    Told,
)
from tests.faults.plan import Act
from tests.faults.proxy import Seen

_PASSED_ON = frozenset({Act.PASS, Act.DROP, Act.CUT_WITHIN, Act.DRIP})
_SAID_YES = frozenset(range(200, 300))
_ANSWERED_NO = frozenset({400, 401, 403, 404, 409, 413, 429})


def facts_of(
    *,
    snapshots: list[Made],
    volumes: list[MadeVolume],
    outside: Outside,
    shown: list[Shown],
    seen: list[Seen],
    acknowledged: dict[str, set[str]],
    at_cloud: list[tuple[str, str]],
    cancelled: set[str],
    sent_without_right: list[str],
    left_lying: list[str],
    broke_off: list[str],
    deadlocks: int,
) -> Facts:
    return Facts(
        operations=_operations(),
        snapshots=snapshots,
        mirrored=_mirrored(),
        volumes=volumes,
        outside=outside,
        shown=shown,
        acknowledged=acknowledged,
        sent=[_sent(one) for one in seen],
        rows=_rows(),
        at_cloud=at_cloud,
        cancelled=cancelled,
        sent_without_right=sent_without_right,
        left_lying=left_lying,
        broke_off=broke_off,
        deadlocks=deadlocks,
    )


def deadlock_count() -> int:
    """How many deadlocks PostgreSQL has broken in this database; SQLite knows none."""
    if connection.vendor != "postgresql":
        return 0
    time.sleep(1.5)  # sessions report their statistics once a second
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _mirrored() -> list[Mirrored]:
    columns = ("snapshot_id", "status", "name", "gone_at")
    return [
        Mirrored(row_id, status, name, is_gone=gone_at is not None)
        for row_id, status, name, gone_at in Snapshot.objects.values_list(*columns)
    ]


def _operations() -> list[Told]:
    snapshots = dict(Snapshot.objects.values_list("operation_id", "snapshot_id"))
    return [
        Told(
            id=str(one.pk),
            intent=one.metadata.get(INTENT, ""),
            state=one.state,
            volume_id=one.volume_id,
            snapshot_id=(
                one.target_snapshot.snapshot_id if one.target_snapshot else snapshots.get(one.pk)
            ),
            kind=one.kind,
            name=one.name or "",
            touch=one.metadata.get(TOUCH, ""),
            asked=number,
            made_volume_id=one.made_volume_id,
        )
        for number, one in enumerate(
            Operation.objects.select_related("target_snapshot").order_by("asked_at", "id")
        )
    ]


def _sent(seen: Seen) -> Sent:
    # The cloud's own 4xx passed on means the same as one that the proxy made up. Where it was cut
    # within, its status line may have come through; where it did not, nothing may follow either,
    # but that cannot be told from here.
    passed_on = seen.fault.act in _PASSED_ON or seen.fault.answer in KEEPS_STATUS
    refused = seen.status in _ANSWERED_NO and passed_on
    return Sent(
        at=seen.at,
        method=seen.method,
        target=seen.target,
        marker=seen.marker,
        proves_nothing_made=seen.fault.proves_nothing_made or refused,
        note=f"{seen.fault}, {seen.status or 'no status'}",
        rolled_back=seen.rolled_back,
        executed_at=seen.carried_out_at if seen.status in _SAID_YES else None,
    )


def _rows() -> list[Row]:
    answered = set(Answer.objects.values_list("exchange_id", flat=True))
    columns = ("seq", "at", "method", "url", "operation_id", "purpose")
    return [
        Row(
            at=at.timestamp(),
            method=method,
            target=_target(url),
            operation=str(operation or ""),
            is_marked=purpose in {Purpose.CREATE, Purpose.RESTORE},
            answered=seq in answered,
        )
        for seq, at, method, url, operation, purpose in Exchange.objects.values_list(*columns)
    ]


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def states() -> dict[str, int]:
    return dict(Counter(Operation.objects.values_list("state", flat=True)))


def ends() -> dict[str, int]:
    """How many operations ended how, by kind: "succeeded", or the code of what happened."""
    ended = Operation.objects.filter(state__in=FINAL).values_list("kind", "state", "outcome_code")
    return dict(
        Counter(
            f"{kind} {state if state == OperationState.SUCCEEDED else code or state}"
            for kind, state, code in ended
        ).most_common()
    )


def finished_count() -> int:
    return Operation.objects.filter(state__in=FINAL).count()


def anomalies() -> dict[str, int]:
    return dict(Counter(Anomaly.objects.values_list("kind", flat=True)))


def settle_times() -> tuple[list[float], list[float]]:
    """Seconds from the last sending to the end: of operations that were unknown, and of others."""
    looked_for = set(
        Exchange.objects.filter(purpose=Purpose.SETTLE).values_list("operation_id", flat=True)
    )
    unknown, others = [], []
    ended = Operation.objects.filter(sent_at__isnull=False, finished_at__isnull=False)
    for pk, sent_at, finished_at in ended.values_list("pk", "sent_at", "finished_at"):
        seconds = (finished_at - sent_at).total_seconds()
        (unknown if pk in looked_for else others).append(seconds)
    return unknown, others


def exchange_counts() -> Counter[bool]:
    """How many exchanges have an answer's row (an error is one too), and how many have none."""
    answered = Answer.objects.count()
    return Counter({True: answered, False: Exchange.objects.count() - answered})
