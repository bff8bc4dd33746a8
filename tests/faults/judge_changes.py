"""The judgment of what became of snapshots that were there."""

from collections import Counter, defaultdict

from tests.faults.facts import FINAL, SAYS_MADE, TOUCH, Facts, Judgment, Made, Outside, Told


def judge_changes(facts: Facts, found: Judgment) -> None:
    _judge_results(facts, found)
    _judge_deletes_sent(facts, found)
    _judge_rollbacks(facts, found)
    _judge_restores(facts, found)


def _judge_results(facts: Facts, found: Judgment) -> None:
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
            if not succeeded and not _was_removed(snapshot_id, changes[0].volume_id, facts.outside):
                found.deleted_unasked.append(f"no deletion of {snapshot_id} says that it was done")
            continue
        if made.id not in facts.outside.renamed:
            _judge_last(made, [one for one in changes if one.kind == "rename"], "name", found)
        _judge_last(made, [one for one in changes if one.kind == "metadata"], "touch", found)


def _was_removed(snapshot_id: str, volume_id: str, outside: Outside) -> bool:
    return snapshot_id in outside.deleted or volume_id in outside.removed_volumes


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


def _judge_rollbacks(facts: Facts, found: Judgment) -> None:
    """What was on the volume is lost by each: no more of them than there are requests that say so,
    and none that is said and was not done. A request that failed may have been carried out.
    """
    asked, done, maybe = Counter[str](), Counter[str](), Counter[str]()
    for told in facts.operations:
        if told.kind == "rollback" and told.snapshot_id:
            asked[told.snapshot_id] += 1
            done[told.snapshot_id] += told.state == "succeeded"
            maybe[told.snapshot_id] += told.state == "failed"
    sent = [one for one in facts.sent if one.rolled_back]
    may_be = Counter(one.rolled_back for one in sent if not one.proves_nothing_made)
    executed = Counter(one.rolled_back for one in sent if one.executed_at is not None)
    for snapshot_id in may_be | executed | asked:
        times, most = executed[snapshot_id], done[snapshot_id] + maybe[snapshot_id]
        if times > most or may_be[snapshot_id] > asked[snapshot_id]:
            found.rolled_back_twice.append(
                f"snapshot {snapshot_id}: sent {may_be[snapshot_id]} times, done {times} times,"
                f" asked {asked[snapshot_id]} times, {most} say that it may have been done"
            )
        if times < done[snapshot_id]:
            found.false.append(f"snapshot {snapshot_id} is said to be rolled back, and was not")


def _judge_restores(facts: Facts, found: Judgment) -> None:
    """Each volume that was made from a snapshot belongs to one request, which says so."""
    operations = {one.id: one for one in facts.operations if one.kind == "restore"}
    marked = [one for one in facts.volumes if one.marker]
    for marker, count in Counter(one.marker for one in marked).items():
        if count > 1:
            found.restored_twice.append(f"operation {marker} made {count} volumes")
    for made in marked:
        told = operations.get(made.marker)
        if told is None or told.state in FINAL - SAYS_MADE:
            found.orphans.append(f"volume {made.id}: {told.state if told else 'nobody asked'}")
        elif told.made_volume_id != made.id:
            found.false.append(f"operation {told.id} holds volume {told.made_volume_id!r}")
    there = {one.id for one in facts.volumes}
    for told in operations.values():
        if told.state in SAYS_MADE and told.made_volume_id not in there:
            found.lost.append(f"operation {told.id} says {told.state}; the cloud has no volume")
