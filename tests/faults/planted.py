"""Facts for the judge, to plant wrongs in."""

from tests.faults.facts import INTENT, MARKER, Facts, Made, Row, Sent, Told
from tests.faults.judge import judge

CREATE = "/v2/p/snapshots"


def made(number: int, *, marker: str = "", intent: str = "", status: str = "available") -> Made:
    operation = marker or f"o{number}"
    metadata = {MARKER: operation, INTENT: intent or f"i{number}"}
    return Made(f"s{number}", f"v{number}", status, metadata)


def told(number: int, state: str = "succeeded") -> Told:
    snapshot_id = f"s{number}" if state == "succeeded" else None
    return Told(f"o{number}", f"i{number}", state, f"v{number}", snapshot_id)


def sent(number: int, at: float | None = None, **facts) -> Sent:
    return Sent(number if at is None else at, "POST", CREATE, marker=f"o{number}", **facts)


def row(number: int, at: float | None = None) -> Row:
    at = number - 0.01 if at is None else at
    return Row(at, "POST", CREATE, operation=f"o{number}", is_marked=True)


def wrongs(facts: Facts) -> dict[str, int]:
    return {kind: count for kind, count in judge(facts).counts().items() if count}
