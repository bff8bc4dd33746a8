"""One run from begin to end: faults while people ask, then darkness, then a healthy cloud."""

import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from tests.faults import evidence
from tests.faults.ambush import Ambush
from tests.faults.changes import Changes
from tests.faults.facts import Judgment, Outside
from tests.faults.judge import judge
from tests.faults.leavers import Leavers
from tests.faults.lying import LyingWatch
from tests.faults.nursery import Nursery
from tests.faults.onlooker import Onlooker
from tests.faults.outsider import Outsider
from tests.faults.people import People
from tests.faults.proxy import Proxy

DARK_SECONDS = 3.0
OUTAGE_SECONDS = 1.0  # nobody listens: long enough to open the portal's breaker
FEW_OPEN = 40
_CHANGES_SHARE = 0.4  # of the operations so far: renaming, metadata, deleting
_LEAVERS_SHARE = 0.03  # of the operations so far: people who come, and lose their rights
_OUTSIDE_SHARE = 0.2  # of the operations so far: what somebody else does in the cloud
_MOST_SECONDS_EACH = 0.5  # a slow machine takes for what is unfinished when the cloud is back
_LAST_SHARE = 0.05  # of the operations: asked for when the cloud is away


@dataclass(frozen=True)
class Orders:
    """How much of everything."""

    operations: int
    seed: int
    workers: int
    threads: int = 16  # of each worker

    @property
    def kills(self) -> int:
        return max(4, self.operations // 100)

    @property
    def freezes(self) -> int:
        return 3 + self.operations // 500

    @property
    def ambushes(self) -> int:
        return 3 + self.operations // 1000 if self.operations >= 100 else 0

    @property
    def patience_seconds(self) -> float:
        """How long the queue may take to become short when nobody asks for more."""
        return 90 + self.operations * 0.2

    @property
    def ambush_seconds(self) -> float:
        """How long ambushes are tried for when no more is asked for, and no long queue is left
        before those who lie in wait: without them the run would prove little.
        """
        return 30 + self.ambushes * 30


class Run:
    """Conducts proxy, workers and people."""

    def __init__(
        self,
        orders: Orders,
        *,
        proxy: Proxy,
        nursery: Nursery,
        people: People,
        cloud: Any,
        changes: Changes,
        leavers: Leavers,
        outsider: Outsider | None,  # none where the cloud is not ours alone
        onlooker: Onlooker,
    ) -> None:
        self.orders = orders
        self.proxy = proxy
        self.nursery = nursery
        self.people = people
        self.cloud = cloud
        self._ambush = Ambush(nursery, orders.ambushes)
        self._lying = LyingWatch(nursery, orders.threads)
        self._changes = changes
        self._leavers = leavers
        self._outsider = outsider
        self._onlooker = onlooker
        self._deadlocks_before = 0
        self._random = random.Random(f"{orders.seed}/run")
        self._over = threading.Event()
        self.seconds = self.back_seconds = 0.0

    def conduct(self) -> None:
        begun = time.monotonic()
        self._deadlocks_before = evidence.deadlock_count()
        self.nursery.start()
        self._lying.start()
        self._onlooker.start()
        self.proxy.faulty = True
        pest = threading.Thread(target=self._pester, daemon=True)
        pest.start()
        self._ambush.start()
        last = max(1, int(self.orders.operations * _LAST_SHARE))
        self.people.submit(self.orders.operations - last)
        self._until_open_at_most(FEW_OPEN, time.monotonic() + self.orders.patience_seconds)
        self._until_ambushed(time.monotonic() + self.orders.ambush_seconds)
        self._until_open_at_most(last, time.monotonic() + self.orders.patience_seconds)
        self._over.set()
        pest.join()
        self._leavers.go(all_of_them=True)
        self._ambush.stop()
        self._darkness(last)
        back = time.monotonic()
        self._until_settled(back + 90 + open_count() * _MOST_SECONDS_EACH)
        read_all(time.monotonic() + 60)
        self.back_seconds = time.monotonic() - back
        self.seconds = time.monotonic() - begun
        self._lying.stop()
        self._onlooker.stop()
        self.nursery.stop()

    def _pester(self) -> None:
        """What belongs to no exchange: violence at random times, a short outage now and then,
        tokens that expire, people who ask again.
        """
        outages = 0
        expire_at = time.monotonic() + 5
        while not self._over.wait(0.25):
            done = evidence.finished_count()
            self._allow_violence(done / self.orders.operations)
            if self._random.random() < 0.05:
                self.nursery.strike_anyone()
            if done > outages + 1500:
                outages = done
                self.proxy.refuse(OUTAGE_SECONDS)
            if time.monotonic() > expire_at:  # a token refused twice a minute is no token trouble
                expire_at += 65
                self.cloud.expire_tokens()
            if self._random.random() < 0.2:
                self.people.cancel()
            if self._changes.asked < _CHANGES_SHARE * done:
                self._changes.ask()
            if self._leavers.count < _LEAVERS_SHARE * done:
                self._leavers.come()
            self._leavers.go()
            if self._outsider and self._outsider.acts < _OUTSIDE_SHARE * done:
                self._outsider.act()
            self.people.ask_again()

    def _allow_violence(self, share: float) -> None:
        """Spread over the whole run, so that it ends."""
        self.nursery.kills_allowed = 1 + int(self.orders.kills * share)
        self.nursery.freezes_allowed = 1 + int(self.orders.freezes * share)

    def _darkness(self, last: int) -> None:
        """Everything hangs or breaks while the last ones are asked for; then the cloud is back."""
        self.proxy.dark, self.proxy.faulty = True, False
        dark_until = time.monotonic() + DARK_SECONDS
        self.people.submit(last, pace=False)
        time.sleep(max(0.0, dark_until - time.monotonic()))
        self.nursery.kills_allowed = self.nursery.freezes_allowed = 0
        self.proxy.dark = False
        say("the cloud is back")

    def _until_ambushed(self, deadline: float) -> None:
        """Ask for some more, so that there is something to hold, and no long queue before it."""
        while not self._ambush.is_over and time.monotonic() < deadline:
            if open_count() < FEW_OPEN:
                self.people.submit(5)
            time.sleep(0.5)

    def _until_open_at_most(self, most: int, deadline: float) -> None:
        while open_count() > most and time.monotonic() < deadline:
            time.sleep(0.1)

    def _until_settled(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            self.people.ask_again()
            if not (open_count() or self.proxy.pending) and self.nursery.is_calm():
                return
            time.sleep(0.1)

    def progress(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in evidence.states().items())
        done = sum(self.nursery.done.values())
        return f"{states}; {len(self.proxy.seen)} requests, {done} strikes"

    @property
    def is_proven(self) -> bool:
        """Whether all was done that the verdict rests on: nothing found after less says nothing."""
        return self._ambush.is_over

    def judged(self) -> Judgment:
        return judge(
            evidence.facts_of(
                snapshots=self.cloud.snapshots(),
                volumes=self.cloud.volumes(),
                outside=self._outsider.done if self._outsider else Outside(),
                shown=self._onlooker.shown,
                seen=self.proxy.seen,
                acknowledged=self.people.acknowledged,
                at_cloud=self.cloud.requests(),
                cancelled=self.people.cancelled,
                sent_without_right=self._leavers.sent_without_right(),
                left_lying=self._lying.lying,
                broke_off=self.nursery.broke_off(),
                deadlocks=evidence.deadlock_count() - self._deadlocks_before,
            )
        )

    def report(self, judgment: Judgment) -> dict[str, Any]:
        """The line of JSON; what is wrong comes first."""
        rows = evidence.exchange_counts()
        states = evidence.states()
        operations = sum(states.values())
        return {
            "operations": operations,
            **judgment.counts(),
            "proven": self.is_proven,
            "exchanges": sum(rows.values()),
            "exchanges_answered": rows[True],
            "exchanges_without_answer": rows[False],
            "longest_settle_after_back_s": round(self.back_seconds, 1),
            "seconds": round(self.seconds, 1),
            "operations_per_second": round(operations / max(self.seconds, 0.001), 1),
            "seed": self.orders.seed,
            "states": states,
            "submits": self.people.submits,
            "asked_again": self.people.again,
            "cancelled": len(self.people.cancelled),
            "changes": self._changes.asked,
            "left": self._leavers.count,
            "withdrawn": self._leavers.withdrawn(),
            "changed_outside": self._outsider.acts if self._outsider else 0,
            "looked_at": len(self._onlooker.shown),
            "ambushes": self._ambush.done,
            "strikes": dict(self.nursery.done),
            "connections_refused_times": self.proxy.refusals,
            "connections_reset": self.proxy.resets,
            "faults": _fault_counts(self.proxy),
            "anomalies": evidence.anomalies(),
            "proxy_troubles": sum(bool(one.trouble) for one in self.proxy.seen),
            "worker_errors": self.nursery.errors(),
            "people_troubles": self.people.trouble[:5],
        }


def _fault_counts(proxy: Proxy) -> dict[str, int]:
    return dict(sorted(Counter(str(one.fault) for one in proxy.seen).items()))


def read_all(deadline: float) -> None:
    """A whole reading of the healthy cloud, after all has ended: the mirror must be right."""
    from snapshots.models import CloudHealth, Duty, Snapshot

    now = timezone.now()
    Duty.objects.filter(kind="snapshots", owner="").update(due_at=now)
    read = CloudHealth.objects.filter(snapshots_at__gt=now, snapshots_held_back=0)
    # Only so many are asked for one by one in each reading.
    missing = Snapshot.objects.present().filter(missing_since__isnull=False)
    while (missing.exists() or not read.exists()) and time.monotonic() < deadline:
        Duty.objects.filter(kind="snapshots", owner="", due_at__gt=now).update(due_at=now)
        time.sleep(0.1)


def open_count() -> int:
    from snapshots.models import OPEN, Operation

    return Operation.objects.filter(state__in=OPEN).count()


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} faults: {line}", file=sys.stderr, flush=True)


def write_plot(path: Path, *, title: str) -> None:
    from tests.faults.plot import plot

    unknown, others = evidence.settle_times()
    curves = {"outcome was unknown": unknown, "clear answer": others}
    path.write_text(plot(curves, title=title), encoding="utf-8")
