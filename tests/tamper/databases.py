"""Damages to a database, by somebody who can take its triggers away; needs settings in place."""

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils import timezone

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import digest_of, header_of
from snapshots.models import Action, Exchange, Seal, Tombstone

# The kind that must be reported, and the table and number of the row.
Expected = tuple[set[str], str, set[int]]
FILLED = ("exchange", "answer", "action", "anomaly")


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def write(rows: models.QuerySet, **changes: object) -> None:
    assert models.QuerySet.update(rows, **changes) == 1


def other_value(rng: random.Random, value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1000  # one more might be another row's
    if isinstance(value, datetime):
        return value + timedelta(microseconds=rng.choice([-1, 1, 10**6]))
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=rng.getrandbits(128))
    if isinstance(value, dict):
        return {**value, "x": rng.choice(["", "1"])}
    return "Z" + value[1:] if value and value[0] != "Z" else "z"


def a_row(rng: random.Random, table: str) -> models.Model:
    return rng.choice(list(TRAIL[table].objects.order_by("seq")))


def a_cell(rng: random.Random) -> Expected:
    table = rng.choice(FILLED)
    row = a_row(rng, table)
    fields = [
        field
        for field in row._meta.concrete_fields
        if not field.primary_key and getattr(row, field.attname) is not None
    ]
    field = rng.choice(fields)
    wrong = other_value(rng, getattr(row, field.attname))
    write(TRAIL[table].objects.filter(pk=row.pk), **{field.attname: wrong})
    return {"changed"}, table, {row.pk}


def a_row_lost(rng: random.Random) -> Expected:
    table = rng.choice(FILLED)
    row = a_row(rng, table)
    run(f"DELETE FROM snapshots_{table} WHERE seq = %s", row.pk)
    return {"missing"}, table, {row.pk}


def a_row_added(rng: random.Random) -> Expected:
    numbers = set(Action.objects.values_list("seq", flat=True))
    free = next(n for n in range(min(numbers), max(numbers)) if n not in numbers)
    facts = Action.objects.order_by("?").values().first()
    Action(**{**facts, "seq": free, "id": uuid.UUID(int=rng.getrandbits(128))}).save()
    return {"inserted"}, "action", {free}


def a_row_before_all(rng: random.Random) -> Expected:
    facts = Action.objects.order_by("seq").values().first()
    Action(**{**facts, "seq": -rng.randint(0, 9), "id": uuid.uuid4()}).save()
    return {"inserted"}, "action", {0}


def two_rows_changed_places(rng: random.Random) -> Expected:
    """All but their numbers."""
    seal = rng.choice([item for item in Seal.objects.all() if item.tables["action"][2] > 1])
    after, upto, _rows = seal.tables["action"]
    rows = list(Action.objects.filter(seq__gt=after, seq__lte=upto).order_by("seq").values())
    item, other = sorted(rng.sample(rows, 2), key=lambda row: row["seq"])
    first, second = item.pop("seq"), other.pop("seq")
    write(Action.objects.filter(pk=first), id=uuid.uuid4())
    write(Action.objects.filter(pk=second), **item)
    write(Action.objects.filter(pk=first), **other)
    return {"swapped"}, "action", {first}


def a_seal_changed(rng: random.Random) -> Expected:
    seal = rng.choice(list(Seal.objects.all()))
    wrong = {
        "at": seal.at + timedelta(microseconds=1),
        "format": seal.format + 1,
        "root": "0" * 64,
        "previous": "1" * 64,
        "digest": uuid.uuid4().hex * 2,
        "leaves": bytes(seal.leaves)[:-1] + b"\x00\x01",
        "tables": {**seal.tables, "action": [0, 1, 2]},
    }
    field = rng.choice(list(wrong))
    write(Seal.objects.filter(pk=seal.pk), **{field: wrong[field]})
    return {"seal", "signature"}, "seal", {seal.number}


def a_signature_changed(rng: random.Random) -> Expected:
    seal = rng.choice(list(Seal.objects.all()))
    write(
        Seal.objects.filter(pk=seal.pk), signature=rng.choice(["", "zz", rng.randbytes(64).hex()])
    )
    return {"signature"}, "seal", {seal.number}


def a_seal_lost(rng: random.Random) -> Expected:
    numbers = list(Seal.objects.values_list("number", flat=True))
    number = rng.choice(numbers)
    run("DELETE FROM snapshots_seal WHERE number = %s", number)
    return ({"cut"} if number == max(numbers) else {"gap"}), "seal", {number}


def the_end_cut_off(_rng: random.Random) -> Expected:
    last = Seal.objects.order_by("number").last()
    for table, (after, upto, _rows) in last.tables.items():
        run(f"DELETE FROM snapshots_{table} WHERE seq > %s AND seq <= %s", after, upto)
    run("DELETE FROM snapshots_seal WHERE number = %s", last.number)
    return {"cut"}, "seal", {last.number}


def made_anew_without_the_key(rng: random.Random) -> Expected:
    """From some seal on, the whole chain computed again and signed by another key."""
    seals = list(Seal.objects.order_by("number"))
    first = rng.choice(seals)
    key = keys.read_private(keys.new_key().decode())
    previous = first.previous
    for seal in seals[first.number - 1 :]:
        seal.at = timezone.now()
        seal.previous = previous
        previous = digest_of(header_of(seal))
        write(
            Seal.objects.filter(pk=seal.pk),
            at=seal.at,
            previous=seal.previous,
            digest=previous,
            signature=key.sign(keys.SEAL + bytes.fromhex(previous)).hex(),
        )
    return {"signature"}, "seal", {first.number}


def a_tombstone_forged(rng: random.Random) -> Expected:
    row = a_row(rng, "exchange")
    stone = Tombstone.objects.create(
        at=timezone.now(),
        actor_name="root",
        first_seal=1,
        last_seal=1,
        tables={"exchange": [row.pk - 1, row.pk, 1]},
        file="gone.zip",
        sha256="0" * 64,
        signature=rng.choice(["", rng.randbytes(64).hex()]),
    )
    run("DELETE FROM snapshots_answer WHERE exchange_id = %s", row.pk)
    Exchange.objects.filter(pk=row.pk)._raw_delete("default")
    return {"tombstone"}, "tombstone", {stone.pk}


DAMAGES: list[tuple[int, Callable[[random.Random], Expected]]] = [
    (40, a_cell),
    (12, a_row_lost),
    (6, a_row_added),
    (2, a_row_before_all),
    (8, two_rows_changed_places),
    (12, a_seal_changed),
    (5, a_signature_changed),
    (5, a_seal_lost),
    (4, the_end_cut_off),
    (3, made_anew_without_the_key),
    (3, a_tombstone_forged),
]
