"""`manage seed_load`: an invented trail of two years, snapshots of the cloud, and what surrounds
them, to measure the portal on. Sandbox only.

The same seed, size and last day make the same rows, but for the moment at which the cloud was read
last. All of them pass the triggers of the trail, and are sealed.
"""

import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, connection, transaction

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.management.invented.days import Day
from snapshots.management.invented.holdings import fill
from snapshots.management.invented.rows import Rows, go_on_after
from snapshots.management.invented.surroundings import surround
from snapshots.management.invented.world import DAYS, Chance, World, settle
from snapshots.management.progress import Progress
from snapshots.models import Entry, Operation

MOST = 20_000_000
BATCH = 20_000  # exchanges in a transaction


class Command(BaseCommand):
    help = "Loads an invented audit trail of two years, for measuring. In sandbox mode only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--exchanges", type=_number, default=1_000_000)
        parser.add_argument(
            "--snapshots", type=_number, default=None, help="also so many snapshots"
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--until", type=date.fromisoformat, default=None, help="the last day")
        parser.add_argument("--unsealed", action="store_true", help="make no seals")
        parser.add_argument("--yes", action="store_true", help="also beside operations there are")

    def handle(self, *_args: Any, **options: Any) -> None:
        if settings.EVSPORTAL_MODE != "sandbox" or settings.EVSPORTAL_CLOUDS:
            raise CommandError("An invented trail is for the sandbox, where no real cloud is.")
        if Operation.objects.exists() and not options["yes"]:
            raise CommandError("There are operations here already; add --yes to load beside them.")
        began = time.monotonic()
        call_command("seed_demo")
        until = options["until"] or datetime.now(UTC).date()
        chance = Chance.from_seed(f"{options['seed']} {options['exchanges']} {until}")
        progress = Progress()
        try:
            with transaction.atomic():
                world = settle(chance, until)
            with _quickly():
                total = _load(world, progress, options["exchanges"], options["snapshots"])
        except IntegrityError as error:
            raise CommandError("These rows are here already: take another --seed.") from error
        for name, rows in total.items():
            self.stdout.write(f"{rows:>10} {name}")
        self._say_since("Loaded", began)
        if not options["unsealed"]:
            began = time.monotonic()
            with progress.step("sealing"):
                seal_new_rows(at_once=True)
            self._say_since("Sealed", began)
            with progress.step("statistics"):
                _look_after_itself()

    def _say_since(self, done: str, began: float) -> None:
        self.stdout.write(f"{done} in {time.monotonic() - began:.1f} s.")


def _load(world: World, progress: Progress, exchanges: int, snapshots: int | None) -> Counter[str]:
    total: Counter[str] = Counter()
    with progress.step("exchanges", exchanges, unit="rows") as advance:
        for days in _batches(exchanges):
            rows = Rows(world.numbers, before=total["exchange"])
            for number in days:
                upto = exchanges * (number + 1) // DAYS
                Day(world, number, rows).live(upto=upto, most=exchanges)
            with transaction.atomic():
                written = rows.write()
            total += written
            advance(written["exchange"])
    with transaction.atomic():
        go_on_after()
    if snapshots is not None:
        with progress.step("snapshots", snapshots, unit="rows") as advance:
            total += fill(world, snapshots, advance)
    return total + surround(world)


def _look_after_itself() -> None:
    """What the database's own housekeeping would have done by the time people come."""
    if connection.vendor == "postgresql":
        _say("VACUUM (ANALYZE)")


def _number(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST):
        raise ArgumentTypeError(f"write 1 to {MOST}")
    return int(text)


def _batches(exchanges: int) -> Iterator[range]:
    """The days, some at a time."""
    share = max(1, BATCH * DAYS // exchanges)
    for first in range(0, DAYS, share):
        yield range(first, min(first + share, DAYS))


@contextmanager
def _quickly() -> Iterator[None]:
    """The search's indexes are quicker made once than kept row by row. SQLite has room for others,
    and does not wait for the disk: nothing of it is true.
    """
    indexes = [
        search_index for search_index in Entry._meta.indexes if search_index.name != "entry_row"
    ]
    editor = connection.schema_editor()
    if connection.vendor == "sqlite":
        _say("PRAGMA cache_size = -400000", *_synchronous("OFF"))
    _say(*[f'DROP INDEX IF EXISTS "{index.name}"' for index in indexes])  # a load was killed
    try:
        yield
    finally:
        _say(*[str(index.create_sql(Entry, editor)) for index in indexes], *_synchronous("FULL"))


def _synchronous(level: str) -> list[str]:
    is_possible = connection.vendor == "sqlite" and not connection.in_atomic_block
    return [f"PRAGMA synchronous = {level}"] if is_possible else []


def _say(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
