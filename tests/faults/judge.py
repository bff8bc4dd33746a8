"""The judgment, from plain facts: no database, no network, so that planted wrongs can test it."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.faults.facts import FINAL, INTENT, MARKER, SAYS_MADE, Facts, Judgment, Made, Sent, Told
from tests.faults.judge_changes import judge_changes
from tests.faults.judge_shown import judge_shown

# The machine's clock is read in two processes; nothing is decided by less.
_TOLERANCE_SECONDS = 0.002


def judge(facts: Facts) -> Judgment:
    """Compare what the cloud holds with what the portal says, and both with what was asked."""
    found = Judgment()
    _judge_cancelled(facts, found)
    _judge_snapshots(facts, found)
    _judge_operations(facts, found)
    _judge_acknowledged(facts, found)
    _judge_records(facts, found)
    _judge_creates(facts, found)
    judge_changes(facts, found)
    judge_shown(facts, found)
    found.sent_without_right += facts.sent_without_right
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
        if made.id in facts.outside.made:
            continue
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
        if made is None and (told.snapshot_id in to_be_deleted or _is_removed(told, facts)):
            continue
        if made is None:
            found.lost.append(f"operation {told.id} says {told.state}; the cloud has nothing")
        elif made.metadata.get(MARKER) != told.id:
            found.false.append(f"operation {told.id} holds {made.id}, which is another's")
        elif told.state == "succeeded" and made.status != "available":
            found.false.append(f"operation {told.id} says succeeded; {made.id} is {made.status}")


def _is_removed(told: Told, facts: Facts) -> bool:
    """Whether somebody else removed its snapshot in the cloud."""
    outside = facts.outside
    return told.snapshot_id in outside.deleted or told.volume_id in outside.removed_volumes


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
        rows[row.method, row.target, row.operation if row.is_marked else ""].append(row.at)
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
