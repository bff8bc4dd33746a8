"""What a simulated night is made of: how much there is, who asks when, how a cloud behaves.

Each figure is measured, reckoned or guessed; `docs/scale.md` says which.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate

from snapshots.clouds_yaml.entries import CALLS_PER_SECOND

SIZES_GB = (10, 40, 100, 500, 1000)
# Parts of the night: before changes many ask at once, for as long as it takes.
BATCHES_AT = (0.05, 0.25, 0.5, 0.75)
BATCH_TAKES = 0.02


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Seconds, lognormal."""

    median: float
    spread: float = 0.4

    def drawn(self, chance: random.Random) -> float:
        return chance.lognormvariate(math.log(self.median), self.spread)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How a cloud answers. Shares are of all calls; of lost ones half are executed."""

    delays: dict[str, Delay] = field(
        default_factory=lambda: {
            "create": Delay(median=0.6, spread=0.5),
            "look": Delay(median=0.3),
            "watch": Delay(median=0.8),
            "volumes": Delay(median=0.5),
            "quota": Delay(median=0.2),
            "snapshots": Delay(median=1.2),
            "probe": Delay(median=0.2),
        }
    )
    throttled: float = 0.0005
    server_faults: float = 0.0003
    lost: float = 0.0001
    outages: float = 0.2  # of each cloud in eight hours
    outage_minutes: tuple[float, float] = (1.0, 10.0)
    until_available: Delay = field(default_factory=lambda: Delay(median=6.0, spread=0.6))
    seconds_for_gb: float = 0.02  # a large volume takes longer
    ends_in_error: float = 0.002


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Seconds of CPU in a worker's process, which uses one core at a time."""

    lookup: float = 0.0004  # for each cloud, each time that a worker looks for work
    send: float = 0.024  # claimed and sent
    look: float = 0.015
    watch: float = 0.010
    watched: float = 0.004  # for each request that a reading ends
    volume: float = 0.00015
    snapshot: float = 0.00005
    call: float = 0.004  # recorded, sent, recorded


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A night. A cloud is an entry of clouds.yaml: one project in one region."""

    seed: int = 1
    clouds: int = 100
    volumes: int = 1_000_000
    snapshots: int = 50_000_000
    requests: int = 100_000
    in_batches: float = 0.4  # share of the requests
    hours: float = 8.0
    nodes: int = 4  # worker processes, each with EVSPORTAL_WORKER_THREADS
    wakes: bool = True  # a request wakes the workers, as PostgreSQL does
    calls_per_second: float = CALLS_PER_SECOND
    unevenness: float = 0.5  # of clouds: 0 makes them all alike
    weather: Weather = field(default_factory=Weather)
    costs: Costs = field(default_factory=Costs)

    @property
    def seconds(self) -> float:
        return self.hours * 3600

    def times(self, factor: float, *, hours: float) -> "Scenario":
        """The same with so many times as much, on as many clouds and nodes, and only so many hours
        of it.
        """
        return replace(
            self,
            volumes=round(self.volumes * factor),
            snapshots=round(self.snapshots * factor),
            requests=round(self.requests * factor * hours / self.hours),
            hours=hours,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    at: float
    cloud: int
    volume: int
    size_gb: int


def shares_of(total: int, scenario: Scenario) -> list[int]:
    """The total divided among the clouds, uneven, the same for volumes as for snapshots."""
    chance = random.Random(f"{scenario.seed} clouds")
    weights = [math.exp(chance.gauss(0, scenario.unevenness)) for _ in range(scenario.clouds)]
    ends = [round(total * part / sum(weights)) for part in accumulate(weights)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def wishes(scenario: Scenario) -> Iterator[Wish]:
    """All requests of the night, the earliest first."""
    chance = random.Random(f"{scenario.seed} wishes")
    volumes = shares_of(scenario.volumes, scenario)
    batched = round(scenario.requests * scenario.in_batches)
    moments = [
        (chance.choice(BATCHES_AT) + chance.uniform(0, BATCH_TAKES)) * scenario.seconds
        for _ in range(batched)
    ]
    moments += [chance.uniform(0, scenario.seconds) for _ in range(scenario.requests - batched)]
    clouds = chance.choices(range(scenario.clouds), weights=volumes, k=scenario.requests)
    for at, cloud in zip(sorted(moments), clouds, strict=True):
        volume = chance.randrange(max(volumes[cloud], 1))
        yield Wish(at, cloud, volume, chance.choice(SIZES_GB))
