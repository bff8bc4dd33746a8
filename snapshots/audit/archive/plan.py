"""What of the trail may go into an archive: whole seals, from the first one that is still here.

Nothing is taken apart by it: not a request and its answer, not what belongs to an operation that is
not finished, not seals from before the key and the first signed one, which covers them. What is
still to be pushed outside stays.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min, QuerySet
from django.utils import timezone

from snapshots.audit.database.guards import ARCHIVED
from snapshots.audit.database.settled import TRAIL
from snapshots.audit.delivery.push import state_of
from snapshots.models import OPEN, Action, Anomaly, Answer, Exchange, Seal, Tombstone

Spans = dict[str, list[int]]  # as in a seal: after which number, up to which, how many rows
TABLES = tuple(name for name, model in TRAIL.items() if model in ARCHIVED)
# An exchange takes 15 minutes at most: what is as old as this gets no answer any more.
YOUNGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Seals, one after the other, whose rows go into one archive."""

    first: int
    last: int
    until: datetime  # everything in it was recorded by then
    tables: Spans  # what is removed afterwards: tombstones never are
    sealed: int  # all rows of these seals, tombstones too: so many go into the file

    @property
    def seals(self) -> int:
        return self.last - self.first + 1

    @property
    def rows(self) -> int:
        return sum(span[2] for span in self.tables.values())

    @property
    def file(self) -> str:
        return f"audit-{self.first:08}-{self.last:08}.zip"


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be archived now, and why not more."""

    batch: Batch | None
    held_back: str = ""


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """A row that must stay, and so must everything from its seal on."""

    table: str
    seq: int
    reason: str


def plan(*, before: datetime) -> Plan:
    """The longest batch of seals made before this moment that takes nothing apart."""
    first = _first_here()
    last = _last_before(min(before, timezone.now() - YOUNGEST), first)
    reason = ""
    while last >= first and (obstacle := next(_obstacles(first, last), None)) is not None:
        number = _seal_of(obstacle.table, obstacle.seq, first, last)
        last, reason = number - 1, f"Seal {number} and later ones stay: {obstacle.reason}"
    if last >= first and (signed := _first_signed()) and _is_bare(first) and last < signed:
        reason = f"Seals {first} to {signed - 1} bear no signature, and go together with seal "
        reason += f"{signed}, the first that does and covers them. It must stay for now."
        last = first - 1
    return Plan(batch_of(first, last) if last >= first else None, reason)


def batch_of(first: int, last: int) -> Batch:
    """These seals. Raises `Seal.DoesNotExist` for one that is not here."""
    begin, end = _seal(first), _seal(last)
    rows = dict.fromkeys(TRAIL, 0)
    for tables in _seals().filter(number__range=(first, last)).values_list("tables", flat=True):
        for name in TRAIL:
            rows[name] += tables[name][2]
    tables = {name: [begin.tables[name][0], end.tables[name][1], rows[name]] for name in TABLES}
    return Batch(first, last, end.at, tables, sum(rows.values()))


def _seals() -> QuerySet[Seal]:
    seals: QuerySet[Seal] = Seal.objects.defer("leaves")
    return seals


def _seal(number: int) -> Seal:
    return _seals().get(number=number)


def _first_here() -> int:
    newest = Tombstone.objects.order_by("-last_seal").first()
    return newest.last_seal + 1 if newest else 1


def _last_before(moment: datetime, first: int) -> int:
    """The last seal of the run that begins with `first` and was made before."""
    later = Seal.objects.filter(number__gte=first, at__gte=moment).order_by("number")
    stays = later.values_list("number", flat=True).first()
    if stays is not None:
        return int(stays) - 1
    return int(Seal.objects.values_list("number", flat=True).order_by("-number").first() or 0)


def _first_signed() -> int:
    signed = Seal.objects.exclude(key_id="").order_by("number").values_list("number", flat=True)
    return int(signed.first() or 0)


def _is_bare(number: int) -> bool:
    return not _seal(number).key_id


def _seal_of(table: str, seq: int, first: int, last: int) -> int:
    """Which seal covers the row."""
    numbers = range(first, last + 1)
    return numbers[bisect_left(numbers, seq, key=lambda number: _seal(number).tables[table][1])]


# --- what holds back -------------------------------------------------------------------------


def _obstacles(first: int, last: int) -> Iterator[_Obstacle]:
    begin, end = _seal(first).tables, _seal(last).tables
    span = {name: (begin[name][0], end[name][1]) for name in TABLES}
    yield from _unfinished(span)
    yield from _taken_apart(span)
    yield from _not_pushed(span)


def _unfinished(span: dict[str, tuple[int, int]]) -> Iterator[_Obstacle]:
    for model in (Exchange, Action, Anomaly):
        table = str(model._meta.model_name)
        after, upto = span[table]
        rows = model.objects.filter(seq__gt=after, seq__lte=upto, operation__state__in=sorted(OPEN))
        row = rows.order_by("seq").first()
        if row is not None:
            yield _Obstacle(table, row.seq, f"operation {row.operation_id} is not finished.")


def _taken_apart(span: dict[str, tuple[int, int]]) -> Iterator[_Obstacle]:
    """A request here and its answer in a later seal, or the other way round."""
    (asked_after, asked), (answered_after, answered) = span["exchange"], span["answer"]
    late = Answer.objects.filter(
        seq__gt=answered, exchange_id__gt=asked_after, exchange_id__lte=asked
    )
    early = Answer.objects.filter(seq__gt=answered_after, seq__lte=answered, exchange_id__gt=asked)
    if (seq := late.aggregate(first=Min("exchange_id"))["first"]) is not None:
        yield _Obstacle("exchange", seq, "it holds a request whose answer was sealed later.")
    if (seq := early.aggregate(first=Min("seq"))["first"]) is not None:
        yield _Obstacle("answer", seq, "it holds an answer whose request was sealed later.")


def _not_pushed(span: dict[str, tuple[int, int]]) -> Iterator[_Obstacle]:
    """Each place gets every row, however long it does not answer."""
    for target in settings.EVSPORTAL_AUDIT_PUSH:
        state = state_of(target)
        for table, (after, upto) in span.items():
            rows = TRAIL[table]._default_manager.filter(seq__lte=upto)
            waiting = rows.filter(seq__gt=max(after, state.upto.get(table, 0))).order_by("seq")
            if (seq := waiting.values_list("seq", flat=True).first()) is not None:
                yield _Obstacle(table, seq, f"it was not pushed to {state.label} yet.")
