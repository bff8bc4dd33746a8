"""The list of metrics: `docs/monitoring.md` is written from it, and nothing else is exported."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is without the `_total` that a counter gets."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of its series."""
        if self.kind is Kind.COUNTER:
            return (f"{self.name}_total",)
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"evsportal_{name}", Kind.GAUGE, text, labels)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"evsportal_{name}", Kind.COUNTER, text, labels)


def _histogram(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"evsportal_{name}", Kind.HISTOGRAM, text, labels)


# --- of the web node that is asked -----------------------------------------------------------

READY = _gauge("ready", "1 when this web node may get visitors.")
DATABASE_UP = _gauge(
    "database_up", "1 when the database answered; else only this node's are there."
)
READING_SECONDS = _gauge("reading_seconds", "How long the database took for all of the figures.")
REQUEST_SECONDS = _histogram(
    "http_request_seconds", "How long answers took, once a thread had the request.", "view"
)
REQUESTS = _counter(
    "http_requests", "Answers by the first digit of their status.", "view", "status"
)
REFUSALS = _counter(
    "refusals", "What was refused to people: sign-ins, rights; by the trail's code.", "code"
)
OF_NODE = (READY, DATABASE_UP, READING_SECONDS, REQUEST_SECONDS, REQUESTS, REFUSALS)

# --- of the database: the same from every node -----------------------------------------------

OPERATIONS = _gauge("operations", "Unfinished operations; `queued` is the queue.", "kind", "state")
OPERATIONS_ENDED = _counter("operations_ended", "Operations that ended.", "kind", "state")
QUEUED_AGE = _gauge(
    "oldest_queued_age_seconds", "Age of the oldest operation that waits; 0: none.", "cloud"
)
UNKNOWN_AGE = _gauge(
    "oldest_unknown_age_seconds", "For how long an outcome has been unknown; 0: none is."
)
EXCHANGES = _counter(
    "exchanges", "Exchanges with a cloud by status, or by why there is no answer.", "cloud", "code"
)
EXCHANGE_SECONDS = _histogram("exchange_seconds", "How long they took.", "cloud")
BREAKER = _gauge("cloud_breaker_open", "1 while nothing but a probe is sent to the cloud.", "cloud")
FAILING_AGE = _gauge(
    "cloud_failing_age_seconds", "For how long the cloud has not answered; 0: it does.", "cloud"
)
SIGN_IN_REFUSED_AGE = _gauge(
    "cloud_sign_in_refused_age_seconds",
    "Since the cloud refused the portal's sign-in last; missing: not with these credentials.",
    "cloud",
)
HELD_BACK = _gauge(
    "cloud_snapshots_held_back",
    "Snapshots that a reading missed, too many to believe it.",
    "cloud",
)
DUTY_AGE = _gauge(
    "duty_age_seconds", "Since the worker ended the duty last; missing: never.", "duty", "lane"
)
DUTY_LATE = _gauge(
    "duty_late_seconds",
    "How much later than planned it is; 0: it is not, or waits for its cloud's breaker.",
    "duty",
    "lane",
)
DUTY_TROUBLE = _gauge("duty_in_trouble", "1 when its last run did not go well.", "duty", "lane")
PUSH_BEHIND = _gauge("push_rows_behind", "Rows of the trail that the target lacks.", "target")
PUSH_FAILING_AGE = _gauge(
    "push_failing_age_seconds", "For how long the target has taken nothing; 0: it does.", "target"
)
UNSEALED = _gauge("seal_unsealed_rows", "Rows of the trail without a seal.")
SEAL_LAG = _gauge("seal_lag_seconds", "Age of the oldest of them; 0: none.")
SOUND = _gauge(
    "verification_sound", "1 when the trail was sound at its last verification; missing: none."
)
VERIFICATION_AGE = _gauge("verification_age_seconds", "Since that verification; missing: none.")
WORKERS = _gauge("workers_alive", "Workers that were seen within the last 20 seconds.")
OF_DATABASE = (
    OPERATIONS,
    OPERATIONS_ENDED,
    QUEUED_AGE,
    UNKNOWN_AGE,
    EXCHANGES,
    EXCHANGE_SECONDS,
    BREAKER,
    FAILING_AGE,
    SIGN_IN_REFUSED_AGE,
    HELD_BACK,
    DUTY_AGE,
    DUTY_LATE,
    DUTY_TROUBLE,
    PUSH_BEHIND,
    PUSH_FAILING_AGE,
    UNSEALED,
    SEAL_LAG,
    SOUND,
    VERIFICATION_AGE,
    WORKERS,
)
METRICS = OF_NODE + OF_DATABASE
