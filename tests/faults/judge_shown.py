"""The judgment of what pages showed: in the end, and at any moment for the age that they admit."""

from tests.faults.facts import Content, Facts, Judgment, Shown, Span

# A name, or for a while the status: when exactly, only the cloud knows.
_CHANGES_WHAT_IS_SHOWN = frozenset({"rename", "rollback"})


def judge_shown(facts: Facts, found: Judgment) -> None:
    _judge_mirror(facts, found)
    _judge_moments(facts, found)


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


def _judge_moments(facts: Facts, found: Judgment) -> None:
    deleted = _deletions(facts)
    changed = {one.snapshot_id for one in facts.operations if one.kind in _CHANGES_WHAT_IS_SHOWN}
    for shown in facts.shown:
        lost = deleted.get(shown.id) or facts.outside.removed_volumes.get(shown.volume_id)
        if shown.is_gone:
            if lost is None or shown.at < lost.begun:
                found.shown_wrongly.append(f"{shown}: the cloud holds it")
        elif lost is not None and shown.read_at > lost.done:
            found.shown_wrongly.append(f"{shown}: gone since {lost.done:.3f}")
        elif shown.id not in changed and not _was_so(facts.outside.made.get(shown.id), shown):
            found.shown_wrongly.append(f"{shown}: it was something else then")


def _deletions(facts: Facts) -> dict[str, Span]:
    """When which snapshot was deleted, by the portal or by somebody else."""
    by_portal = {
        one.target.rpartition("/")[2]: Span(one.at, one.executed_at)
        for one in facts.sent
        if one.method == "DELETE" and one.executed_at is not None
    }
    return by_portal | facts.outside.deleted


def _was_so(contents: list[Content] | None, shown: Shown) -> bool:
    """Whether it was like that at any moment between the reading and the showing."""
    if contents is None:
        return True  # nothing is known of it
    ends = [content.since.done for content in contents[1:]] + [float("inf")]
    return any(
        (content.name, content.status) == (shown.name, shown.status)
        and content.since.begun <= shown.at
        and end >= shown.read_at
        for content, end in zip(contents, ends, strict=True)
    )
