"""The judgment, from plain facts: no database, no network, so that planted wrongs can test it."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

SAYS_MADE = frozenset({"accepted", "succeeded"})
FINAL = frozenset({"succeeded", "failed", "refused", "not_created", "cancelled"})
MARKER = "evsportal-operation"
INTENT = "intent"
TOUCH = "touch"
# The machine's clock is read in two processes; nothing is decided by less.
_TOLERANCE_SECONDS = 0.002


@dataclass(frozen=True)
class Told:
    """An operation as the portal tells it."""

    id: str
    intent: str
    state: str
    volume_id: str
    snapshot_id: str | None = None  # that it made, or is about
    kind: str = "create"
    name: str = ""
    touch: str = ""
    asked: int = 0  # in which order


@dataclass(frozen=True)
class Mirrored:
    """A snapshot as the portal's pages show it."""

    id: str
    status: str
    name: str
    is_gone: bool = False


@dataclass(frozen=True)
class Made:
    """A snapshot as the cloud itself holds it."""

    id: str
    volume_id: str
    status: str
    metadata: dict[str, str]
    name: str = ""


@dataclass(frozen=True)
class Sent:
    """A request that reached the proxy; for creates `marker` names the operation."""

    at: float
    method: str
    target: str
    marker: str = ""
    proves_nothing_made: bool = False
    note: str = ""  # what became of it, for people


@dataclass(frozen=True)
class Row:
    """An exchange's row of the audit trail."""

    at: float
    method: str
    target: str
    operation: str = ""
    is_create: bool = False
    answered: bool = False


@dataclass
class Judgment:
    """What is wrong, one line each, by kind. All empty: nothing."""

    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    creates_sent_twice: list[str] = field(default_factory=list)
    deletes_sent_twice: list[str] = field(default_factory=list)
    deleted_unasked: list[str] = field(default_factory=list)
    mirrored_wrongly: list[str] = field(default_factory=list)
    left_lying: list[str] = field(default_factory=list)
    broke_off: list[str] = field(default_factory=list)
    deadlocks: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {kind: len(lines) for kind, lines in vars(self).items()}

    @property
    def is_clean(self) -> bool:
        return not any(self.counts().values())


@dataclass(frozen=True)
class Facts:
    """Everything that was seen from outside and told from inside."""

    operations: list[Told]
    snapshots: list[Made]
    acknowledged: dict[str, set[str]]  # intent to the operations its submits were told
    sent: list[Sent]
    rows: list[Row]
    at_cloud: list[tuple[str, str]] = field(default_factory=list)  # method and path
    mirrored: list[Mirrored] | None = None  # None: not looked at
    cancelled: set[str] = field(default_factory=set)  # of which a person was told so
    left_lying: list[str] = field(default_factory=list)  # rows that nobody took up, a line each
    broke_off: list[str] = field(default_factory=list)  # what workers logged of broken steps
    deadlocks: int = 0  # by the database's own count


def judge(facts: Facts) -> Judgment:
    """Compare what the cloud holds with what the portal says, and both with what was asked."""
    found = Judgment()
    _judge_cancelled(facts, found)
    _judge_snapshots(facts, found)
    _judge_operations(facts, found)
    _judge_acknowledged(facts, found)
    _judge_records(facts, found)
    _judge_creates(facts, found)
    _judge_changes(facts, found)
    _judge_deletes_sent(facts, found)
    _judge_mirror(facts, found)
    found.left_lying += facts.left_lying
    found.broke_off += facts.broke_off
    found.deadlocks += [f"deadlock {number}" for number in range(1, facts.deadlocks + 1)]
    return found


def _judge_cancelled(facts: Facts, found: Judgment) -> None:
    for told in facts.operations:
        if told.id in facts.cancelled and told.state != "cancelled":
            found.false.append(
                f"operation {told.id} was cancelled, it was said, and is {told.state}"
            )


def _judge_snapshots(facts: Facts, found: Judgment) -> None:
    operations = {one.id: one for one in facts.operations}
    by_marker, by_intent = Counter[str](), Counter[str]()
    for made in facts.snapshots:
        marker, intent = made.metadata.get(MARKER, ""), made.metadata.get(INTENT, "")
        by_marker[marker] += 1
        by_intent[intent] += 1
        if marker and by_marker[marker] > 1:
            found.duplicates.append(f"snapshot {made.id} is one more of operation {marker}")
        elif intent and by_intent[intent] > 1:
            found.duplicates.append(f"snapshot {made.id} is one more of intent {intent}")
        _judge_snapshot(made, operations.get(marker), found)


def _judge_snapshot(made: Made, told: Told | None, found: Judgment) -> None:
    if told is None:
        found.orphans.append(f"snapshot {made.id} belongs to no operation")
    elif told.state == "failed" and told.snapshot_id == made.id:
        if made.status == "available":
            found.false.append(f"operation {told.id} says failed; {made.id} is available")
    elif told.state in FINAL - SAYS_MADE:
        found.orphans.append(f"snapshot {made.id}: operation {told.id} says {told.state}")
    elif told.volume_id != made.volume_id:
        found.false.append(f"operation {told.id} is about another volume than {made.id}")


def _judge_operations(facts: Facts, found: Judgment) -> None:
    snapshots = {one.id: one for one in facts.snapshots}
    to_be_deleted = {one.snapshot_id for one in facts.operations if one.kind == "delete"}
    for told in facts.operations:
        if told.state not in FINAL:
            found.unsettled.append(f"operation {told.id} is {told.state}")
        if told.state not in SAYS_MADE or told.kind != "create":
            continue
        made = snapshots.get(told.snapshot_id or "")
        if made is None and told.snapshot_id in to_be_deleted:
            continue
        if made is None:
            found.lost.append(f"operation {told.id} says {told.state}; the cloud has nothing")
        elif made.metadata.get(MARKER) != told.id:
            found.false.append(f"operation {told.id} holds {made.id}, which is another's")
        elif told.state == "succeeded" and made.status != "available":
            found.false.append(f"operation {told.id} says succeeded; {made.id} is {made.status}")


def _judge_acknowledged(facts: Facts, found: Judgment) -> None:
    known = {one.id for one in facts.operations}
    for intent, operations in facts.acknowledged.items():
        missing = operations - known
        found.lost.extend(f"operation {one} was acknowledged and has no row" for one in missing)
        if len(operations) > 1:
            found.duplicates.append(f"one submit of {intent} became {len(operations)} operations")


# --- records ---------------------------------------------------------------------------------


def _judge_records(facts: Facts, found: Judgment) -> None:
    """Each request has a row of its own that is older than the request's arrival."""
    rows: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in facts.rows:
        rows[row.method, row.target, row.operation if row.is_create else ""].append(row.at)
    sent: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for one in facts.sent:
        sent[one.method, one.target, one.marker].append(one.at)
    for key, arrivals in sent.items():
        found.unrecorded.extend(_without_row(key, sorted(arrivals), sorted(rows[key])))
    _judge_cloud_count(facts, found)


def _without_row(
    key: tuple[str, str, str], arrivals: list[float], rows: list[float]
) -> Iterable[str]:
    method, target, marker = key
    taken = 0
    for at in arrivals:
        if bisect_right(rows, at + _TOLERANCE_SECONDS) > taken:
            taken += 1
        else:
            yield f"{method} {target} {marker} at {at:.3f} has no row from before"


def _judge_cloud_count(facts: Facts, found: Judgment) -> None:
    """The cloud's own count, which needs no trust in the proxy."""
    rows = Counter((row.method, row.target.partition("?")[0]) for row in facts.rows)
    for (method, path), count in Counter(facts.at_cloud).items():
        missing = count - rows[method, path]
        if missing > 0:
            found.unrecorded.append(f"{method} {path}: the cloud counted {missing} more")


def _judge_creates(facts: Facts, found: Judgment) -> None:
    """After a create whose outcome may be unknown, or was good, none follows for its operation."""
    may_be_made: dict[str, Sent] = {}
    for one in sorted(facts.sent, key=lambda one: one.at):
        if one.marker and one.marker in may_be_made:
            before = may_be_made[one.marker]
            found.creates_sent_twice.append(
                f"operation {one.marker} at {one.at:.3f} ({one.note}),"
                f" after {before.at:.3f} ({before.note})"
            )
        elif one.marker and not one.proves_nothing_made:
            may_be_made[one.marker] = one


# --- changes ---------------------------------------------------------------------------------


def _judge_changes(facts: Facts, found: Judgment) -> None:
    """What the portal says of changes must be so in the cloud."""
    snapshots = {one.id: one for one in facts.snapshots}
    by_snapshot: dict[str, list[Told]] = defaultdict(list)
    for told in facts.operations:
        if told.kind != "create" and told.snapshot_id:
            by_snapshot[told.snapshot_id].append(told)
    for snapshot_id, changes in by_snapshot.items():
        made = snapshots.get(snapshot_id)
        succeeded = {one.state for one in changes if one.kind == "delete"} & {"succeeded"}
        if succeeded and made is not None:
            found.false.append(f"snapshot {snapshot_id} is said to be deleted, and is there")
        if made is None:
            if not succeeded:
                found.deleted_unasked.append(f"no deletion of {snapshot_id} says that it was done")
            continue
        _judge_last(made, [one for one in changes if one.kind == "rename"], "name", found)
        _judge_last(made, [one for one in changes if one.kind == "metadata"], "touch", found)


def _judge_last(made: Made, changes: list[Told], what: str, found: Judgment) -> None:
    """The changes of a volume run one after the other, so the last that was done is what holds."""
    done = [one for one in sorted(changes, key=lambda one: one.asked) if one.state == "succeeded"]
    if not done:
        return
    expected = getattr(done[-1], what)
    held = made.name if what == "name" else made.metadata.get(TOUCH, "")
    if held != expected:
        found.false.append(f"operation {done[-1].id} says {expected!r}; {made.id} has {held!r}")


def _judge_deletes_sent(facts: Facts, found: Judgment) -> None:
    """No more deletions of a snapshot that may have been executed than were asked for."""
    asked = Counter(one.snapshot_id for one in facts.operations if one.kind == "delete")
    sent = Counter(
        one.target.rpartition("/")[2]
        for one in facts.sent
        if one.method == "DELETE" and not one.proves_nothing_made and "metadata" not in one.target
    )
    for snapshot_id, times in sent.items():
        if times > asked[snapshot_id]:
            found.deletes_sent_twice.append(
                f"snapshot {snapshot_id}: deleted {times} times, asked {asked[snapshot_id]} times"
            )


def _judge_mirror(facts: Facts, found: Judgment) -> None:
    """After a whole reading of a healthy cloud its rows say what the cloud holds."""
    if facts.mirrored is None:
        return
    held = {one.id: one for one in facts.snapshots}
    present = {one.id: one for one in facts.mirrored if not one.is_gone}
    for missing in held.keys() - present.keys():
        found.mirrored_wrongly.append(f"snapshot {missing} has no row")
    for gone in present.keys() - held.keys():
        found.mirrored_wrongly.append(f"snapshot {gone} is shown, and is gone")
    for both in held.keys() & present.keys():
        made, row = held[both], present[both]
        if (made.status, made.name) != (row.status, row.name):
            found.mirrored_wrongly.append(
                f"snapshot {both} is {made.status} {made.name!r}, shown {row.status} {row.name!r}"
            )
