"""A cloud by chance: what it answers when, and whether it was called as the portal promises."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from snapshots.evs.errors import EvsError, NoConnection, Timeout, error_from_answer
from tests.bench.scenario import Scenario

_TOO_MANY = b'{"error_code": "APIGW.0308", "error_msg": "The throttling threshold was reached"}'
_NIGHT_SECONDS = 8 * 3600
_ROUNDING = 1e-6
_DRAWN = 200  # delays of each purpose, which are taken at random


class Reply(NamedTuple):
    """What became of a call that left at `asked`."""

    asked: float
    seconds: float
    error: EvsError | None = None
    is_executed: bool = True


@dataclass(slots=True)
class Snapshot:
    """What the cloud makes, and from when on it is finished."""

    finished: float
    is_usable: bool


class SimulatedCloud:
    """One entry of clouds.yaml. `wrongs` names promises of the portal that its calls broke."""

    def __init__(self, number: int, scenario: Scenario, *, volumes: int, snapshots: int) -> None:
        self.number = number
        self.volumes, self.snapshots = volumes, snapshots
        self.calls: Counter[tuple[str, int]] = Counter()  # by what for, and minute
        self.wrongs: list[str] = []
        self._chance = random.Random(f"{scenario.seed} cloud {number}")
        self._weather = scenario.weather
        self._faults = self._weather.throttled + self._weather.server_faults + self._weather.lost
        self._seconds = {
            purpose: [delay.drawn(self._chance) for _ in range(_DRAWN)]
            for purpose, delay in self._weather.delays.items()
        }
        self._pace = scenario.calls_per_second
        self._burst = scenario.nodes  # each worker may call at the same moment
        self._level, self._level_at = 0.0, 0.0
        self._busy_until: dict[int, float] = {}
        self.outages = self._outages(scenario.seconds)

    def _outages(self, seconds: float) -> list[tuple[float, float]]:
        if self._chance.random() >= self._weather.outages * seconds / _NIGHT_SECONDS:
            return []
        begin = self._chance.uniform(0, seconds)
        return [(begin, begin + 60 * self._chance.uniform(*self._weather.outage_minutes))]

    def reply(self, purpose: str, now: float) -> Reply:
        """The answer to a call that leaves now."""
        self.calls[purpose, int(now // 60)] += 1
        self._watch_pace(now)
        if self.outages and any(begin <= now < end for begin, end in self.outages):
            error = NoConnection("No connection.")
            return Reply(now, settings.EVSPORTAL_CONNECT_SECONDS, error, is_executed=False)
        seconds = self._seconds[purpose][int(self._chance.random() * _DRAWN)]
        drawn = self._chance.random()
        return self._fault(drawn, now, seconds) if drawn < self._faults else Reply(now, seconds)

    def _fault(self, drawn: float, now: float, seconds: float) -> Reply:
        weather = self._weather
        if drawn < weather.throttled:
            error = error_from_answer(429, {"retry-after": "1"}, _TOO_MANY)
            return Reply(now, seconds, error, is_executed=False)
        is_executed = self._chance.random() < 0.5
        if drawn < weather.throttled + weather.server_faults:
            return Reply(now, seconds, error_from_answer(500, {}, b""), is_executed)
        return Reply(now, settings.EVSPORTAL_READ_SECONDS, Timeout("No answer."), is_executed)

    def make(self, volume: int, size_gb: int, now: float) -> Snapshot:
        """Carry out a create."""
        if now < self._busy_until.get(volume, 0.0):
            self.wrongs.append(f"two changes at once of volume {volume} at {now:.1f} s")
        seconds = self._weather.until_available.drawn(self._chance)
        finished = now + seconds + size_gb * self._weather.seconds_for_gb
        self._busy_until[volume] = finished
        is_usable = self._chance.random() >= self._weather.ends_in_error
        return Snapshot(finished, is_usable)

    def _watch_pace(self, now: float) -> None:
        """A leaky bucket of one call for each worker, which empties at the cloud's pace."""
        emptied = (now - self._level_at) * self._pace
        self._level, self._level_at = max(self._level - emptied, 0.0) + 1, now
        if self._level > self._burst + _ROUNDING:
            self.wrongs.append(f"calls above the pace at {now:.1f} s")
            self._level = 0.0
