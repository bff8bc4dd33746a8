"""`./run tamper`: damages sound trails in every way it knows, and counts what the verifiers miss.

Nine in ten damages are done to an export and shown to `tools/verify_audit.py`, the others to a
database whose triggers were taken away, and shown to `audit_verify`'s own code.
"""

import argparse
import hashlib
import io
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.tamper import exports, scene
from tests.tamper.scene import Trail

TRAILS = 12  # a damage is done to one of so many
MOST_SHOWN = 20


@dataclass
class Count:
    """What came of the damages."""

    planted: int = 0
    found: int = 0
    missed: int = 0
    misnamed: int = 0
    false_alarms: int = 0
    untouched: int = 0
    kinds: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)

    def add(self, other: "Count") -> None:
        for name in ("planted", "found", "missed", "misnamed", "false_alarms", "untouched"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kinds += other.kinds
        self.wrong += other.wrong

    def judge(self, damage: str, seed: int, *, found: bool, is_right: bool, said: object) -> None:
        self.planted += 1
        self.kinds[damage] += 1
        self.found += found
        self.missed += not found
        self.misnamed += found and not is_right
        if not (found and is_right):
            self.wrong.append(f"{damage}, {seed}: {said}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run tamper")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evsportal-tamper-"))
    try:
        scene.enter(folder, options.database)
        return _run(options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    in_databases = max(1, options.n // 10)
    trails = list(_trails(options.seed))
    context = multiprocessing.get_context("fork")
    with context.Pool(2, _close_inherited) as pool:
        share = (options.n - in_databases) // 2
        rest = options.n - in_databases - share
        jobs = [(trails, options.seed * 2, share), (trails, options.seed * 2 + 1, rest)]
        outcome = pool.starmap_async(damage_exports, jobs)
        count = damage_databases(options.seed, in_databases)
        for part in outcome.get():
            count.add(part)
    for message in count.wrong[:MOST_SHOWN]:
        print(message, file=sys.stderr)
    facts = {name: value for name, value in vars(count).items() if name != "wrong"}
    facts |= {
        "database": options.database,
        "in_databases": in_databases,
        "seed": options.seed,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(facts))
    return int(bool(count.missed or count.misnamed or count.false_alarms))


def _trails(seed: int) -> Iterator[Trail]:
    for number in range(TRAILS):
        scene.empty()
        yield scene.make(seed * 1000 + number)


def _close_inherited() -> None:
    """A child must not speak on its parent's connection."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.connection = None


# --- exports ---------------------------------------------------------------------------------


def damage_exports(trails: list[Trail], seed: int, number: int) -> Count:
    rng, count = random.Random(seed), Count()
    for trail in trails:
        count.untouched += 1
        count.false_alarms += verdict(trail, trail.files) is not None
    weights = [weight for weight, _ in exports.DAMAGES]
    while count.planted < number:
        trail = rng.choice(trails)
        _, damage = rng.choices(exports.DAMAGES, weights)[0]
        files = {name: list(lines) for name, lines in trail.files.items()}
        draw = rng.getrandbits(32)
        expected = damage(random.Random(draw), files)
        if expected is None:
            continue
        said = verdict(trail, files)
        kinds, names = expected
        is_right = said is not None and said[0] in kinds and any(n in said[1] for n in names)
        count.judge(
            damage.__name__, draw, found=said is not None, is_right=is_right, said=(said, expected)
        )
    return count


def verdict(trail: Trail, files: dict[str, list[bytes]]) -> tuple[str, str] | None:
    """The kind and the sentence; None: sound."""
    import verify_audit

    class InMemory(verify_audit.Export):
        def __init__(self) -> None:
            self.digests, self.names = {}, set(files)

        def lines(self, name: str) -> Iterator[bytes]:
            data = b"".join(files[name])
            yield from io.BytesIO(data)
            self.digests[name] = hashlib.sha256(data).hexdigest()

    key = trail.key
    known = {hashlib.sha256(key.public_bytes_raw()).hexdigest(): key}
    try:
        verify_audit.Verifier(InMemory(), known, trail.anchors).run()
    except verify_audit.BadError as found:
        return found.args
    return None


# --- databases -------------------------------------------------------------------------------


def damage_databases(seed: int, number: int) -> Count:
    from django.db import connection, transaction

    from snapshots.audit.database import guards
    from snapshots.audit.seals.verify import verify
    from tests.tamper import databases

    rng, count = random.Random(seed), Count()
    weights = [weight for weight, _ in databases.DAMAGES]
    for part in range(TRAILS):
        scene.empty()
        trail = scene.make(seed * 2000 + part)
        guards.lift()
        count.untouched += 1
        count.false_alarms += verify(key=trail.key, anchors=trail.anchors).damage is not None
        while count.planted < number * (part + 1) // TRAILS:
            _, damage = rng.choices(databases.DAMAGES, weights)[0]
            draw = rng.getrandbits(32)
            with transaction.atomic():
                kinds, table, rows = damage(random.Random(draw))
                said = verify(key=trail.key, anchors=trail.anchors).damage
                transaction.set_rollback(True)
            is_right = bool(
                said and said.kind in kinds and said.table == table and said.seq in rows
            )
            name = f"database: {damage.__name__}"
            facts = (said, kinds, table, rows)
            count.judge(name, draw, found=said is not None, is_right=is_right, said=facts)
        guards.install()
    connection.close()
    return count


if __name__ == "__main__":
    sys.exit(main())
