"""Troubles on purpose: those of the seeded volumes, and faults that tests plan."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from snapshots.sandbox.call import Call
from snapshots.sandbox.errors import ApiFault, Fault, GatewayFault, over_limit, server_error
from snapshots.sandbox.messages import Answer, Delivery, Json, Request
from snapshots.sandbox.records import Volume
from snapshots.sandbox.scenarios import (
    IN_PROGRESS_CALLS,
    LAG_SECONDS,
    LATER_TROUBLES,
    LONG_DELETE_SECONDS,
    LONG_SECONDS,
    THROTTLED_CALLS,
    Trouble,
)
from snapshots.sandbox.state import GONE, LINGERING

CREATES = r"/(cloud)?snapshots"
UNKNOWN_STATUS = "quiescing"


@dataclass
class PlannedFault:
    """A fault that the next matching requests meet.

    It has either a `trouble` (for creates, deletes and rollbacks) or its own answer (`status`,
    `body`, `headers`). With `made` the request is executed first. `delivery` says how the answer
    reaches the client.
    """

    times: int = 1
    method: str = "POST"
    # A regular expression the end of the path must match.
    path: str = CREATES
    trouble: Trouble | None = None
    status: int = 500
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    made: bool = False
    delivery: Delivery = Delivery.WHOLE
    delay_seconds: float = 0.0

    def meets(self, request: Request) -> bool:
        match = re.search(f"(?:{self.path})$", request.path)
        return self.times > 0 and request.method == self.method and bool(match)

    def answer(self) -> Answer:
        body = self.body if isinstance(self.body, str) else json.dumps(self.body)
        kind = "text/html" if isinstance(self.body, str) else "application/json"
        headers = {"Content-Type": kind, **self.headers}
        content = b"" if self.body is None else body.encode()
        return Answer(
            self.status, content, tuple(headers.items()), self.delivery, self.delay_seconds
        )


def planned_from(given: dict[str, Any]) -> PlannedFault:
    """A planned fault, from the body of a control request.

    Raises TypeError or ValueError for an unknown member or a wrong value.
    """
    values = dict(given)
    if "trouble" in values:
        values["trouble"] = Trouble(values["trouble"])
    if "delivery" in values:
        values["delivery"] = Delivery[str(values["delivery"]).upper()]
    return PlannedFault(**values)


def trouble_of(volume: Volume, call: Call) -> Trouble:
    return call.trouble or Trouble(volume.trouble)


def refuse(volume: Volume, call: Call) -> None:
    """Raise the fault of a create on this volume that happens before anything is made."""
    trouble = trouble_of(volume, call)
    if trouble is Trouble.QUOTA_FULL:
        raise over_limit(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed"
            " gigabytes quota."
            f" Requested {volume.size}G, quota is 1000G and 1000G has been consumed."
        )
    if trouble is Trouble.ERROR_500_NOTHING_MADE:
        raise server_error()
    if trouble is Trouble.THROTTLED:
        _refuse_some_calls(volume, call, THROTTLED_CALLS, _throttled())
    if trouble is Trouble.SNAPSHOT_IN_PROGRESS:
        message = "Another snapshot of the volume is being created."
        busy = ApiFault(409, message, "EVS.2409")
        _refuse_some_calls(volume, call, IN_PROGRESS_CALLS, busy)


def _throttled() -> GatewayFault:
    # The message's form is seen for VPC; no Retry-After is documented.
    return GatewayFault(
        429,
        "APIGW.0308",
        "The throttling threshold has been reached:"
        " policy user over ratelimit,limit:2,time:1 minute",
    )


def _refuse_some_calls(volume: Volume, call: Call, times: int, fault: Fault) -> None:
    """Refuse this many calls, accept the next, and start again."""
    refused = call.trouble is not None or volume.trouble_calls < times
    calls = volume.trouble_calls + 1 if refused else 0
    call.state.change("UPDATE volumes SET trouble_calls = ? WHERE id = ?", (calls, volume.id))
    if refused:
        raise fault


def course(trouble: Trouble, seconds: float, now: float) -> list[tuple[float, str]]:
    """The statuses of a new snapshot, with their times."""
    if trouble is Trouble.ENDS_IN_ERROR:
        return [(now + seconds, "error")]
    if trouble is Trouble.TAKES_LONG:
        return [(now + LONG_SECONDS, "available")]
    if trouble is Trouble.UNKNOWN_STATUS:
        return [(now + seconds, UNKNOWN_STATUS), (now + 3 * seconds, "available")]
    return [(now + seconds, "available")]


def later_trouble_of(volume: Volume | None, call: Call) -> Trouble:
    """The trouble of a delete or rollback: planned for the call, or the volume's, unless that is
    about creates.
    """
    if call.trouble:
        return call.trouble
    own = Trouble(volume.trouble) if volume else Trouble.NONE
    return own if own in LATER_TROUBLES else Trouble.NONE


def deletion(trouble: Trouble, seconds: float, now: float) -> list[tuple[float, str]]:
    """The statuses of a snapshot that is `deleting`, with their times."""
    if trouble is Trouble.IN_USE:
        return [(now + seconds, "available")]
    if trouble in (Trouble.DELETE_FAILS, Trouble.ENDS_IN_ERROR):
        return [(now + seconds, "error_deleting")]
    if trouble is Trouble.DELETE_TAKES_LONG:
        return [(now + LONG_DELETE_SECONDS, GONE)]
    if trouble is Trouble.LISTS_LAG:
        return [(now + seconds, LINGERING), (now + seconds + LAG_SECONDS, GONE)]
    return [(now + seconds, GONE)]


def rollback_end(volume: Volume, call: Call) -> str:
    """The status of a volume after a rollback. A rollback that failed succeeds the second time."""
    trouble = later_trouble_of(volume, call)
    fails_first = trouble is Trouble.ROLLBACK_FAILS and volume.status == "available"
    return "error_rollbacking" if fails_first or trouble is Trouble.ENDS_IN_ERROR else "available"


def spoil(answer: Answer, trouble: Trouble, call: Call) -> Answer:
    """The answer to a create whose snapshot was made, as its trouble changes it."""
    if trouble is Trouble.SLOW:
        return replace(answer, delay_seconds=call.options.slow_seconds)
    if trouble is Trouble.NO_ANSWER:
        return replace(answer, delivery=Delivery.NEVER)
    if trouble is Trouble.ANSWER_CUT:
        return replace(answer, delivery=Delivery.CUT)
    if trouble is Trouble.ERROR_500:
        raise server_error()
    return answer
