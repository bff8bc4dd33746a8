"""A trail of every kind of row with odd texts, for tests of seals, exports and tampering."""

import random
import uuid
from datetime import UTC, datetime, timedelta

from snapshots.models import Action, Anomaly, AnomalyKind, Answer, Exchange

MOMENT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ODD = [
    "plain",
    "",
    "two\nlines\r\n",
    "\u202eright to left\u202c",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "Größe 磁盘 диск",
    "\u2400 in place of NUL",
    '{"snapshot": {"name": "x"}}',
    "tombstone",
    "comma, \"quote\" and 'tick'",
]


def exchange(rng, number, **given):
    at = MOMENT + timedelta(seconds=number)
    facts = {
        "id": uuid.UUID(int=rng.getrandbits(128), version=4),
        "at": at,
        "purpose": rng.choice(["create", "watch", "login"]),
        "background": rng.random() < 0.5,
        "actor_name": rng.choice(["alice", "portal", "Ömer"]),
        "on_behalf_of": rng.choice(ODD),
        "ticket": rng.choice(["", "CHG1"]),
        "cloud": "sandbox",
        "sandbox": True,
        "cause": rng.choice([None, uuid.UUID(int=rng.getrandbits(128), version=4)]),
        "target_kind": "volume",
        "target_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "target_name": rng.choice(ODD),
        "method": "POST",
        "url": "http://cloud/v2/p/snapshots?limit=1",
        "headers": {"b": rng.choice(ODD), "A": "1"},
        "body": rng.choice(ODD),
        "body_bytes": rng.randrange(10_000),
    }
    return Exchange(**facts | given)


def answer(rng, to, number, **given):
    facts = {
        "exchange": to,
        "at": MOMENT + timedelta(seconds=number, microseconds=rng.randrange(1_000_000)),
        "status": rng.choice([202, 200, 404, None]),
        "headers": {"x-request-id": "req-1"},
        "body": rng.choice(ODD),
        "elapsed_ms": rng.randrange(1000),
        "error_text": rng.choice(ODD),
    }
    return Answer(**facts | given)


def action(rng, number, **given):
    facts = {
        "id": uuid.UUID(int=rng.getrandbits(128), version=4),
        "at": MOMENT + timedelta(seconds=number),
        "code": "session:sign-in",
        "cause": uuid.UUID(int=rng.getrandbits(128), version=4),
        "actor_name": "alice",
        "subject": rng.choice(ODD),
        "details": {"why": rng.choice(ODD)},
    }
    return Action(**facts | given)


def fill(count=60, seed=1):
    """So many exchanges, an answer to most, some actions and anomalies."""
    rng = random.Random(seed)
    asked = Exchange.objects.bulk_create([exchange(rng, n) for n in range(count)])
    Answer.objects.bulk_create([answer(rng, item, n) for n, item in enumerate(asked) if n % 7])
    Action.objects.bulk_create([action(rng, n) for n in range(count // 3)])
    Anomaly.objects.bulk_create(
        Anomaly(
            id=uuid.UUID(int=rng.getrandbits(128), version=4),
            at=MOMENT,
            kind=AnomalyKind.UNMARKED,
            cloud="sandbox",
            message_code="candidates",
            message_values={"names": rng.choice(ODD)},
        )
        for _ in range(count // 20)
    )
