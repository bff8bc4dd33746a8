"""`./run nodes`: people notice nothing while several nodes and their servers are killed, restarted
and upgraded, and each request is done once.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.__main__ import NOT_PROVEN, WRONG
from tests.faults.worker import BROUGHT, LOST
from tests.nodes import house as parts
from tests.nodes.house import House, servers
from tests.nodes.visitors import KINDS, Visitors

if TYPE_CHECKING:
    from tests.faults.facts import Judgment

_VISITORS = 8
# After a restart of the database: until the last request that noticed it has its answer.
_RECOVERS_SECONDS = 10.0
_BROKER_RESTARTED = "restarted"


class Run:
    """People at work, what happens meanwhile, and the verdict."""

    def __init__(self, house: House, visitors: Visitors, n: int) -> None:
        self.house, self.visitors, self._n = house, visitors, n
        self.begun = time.monotonic()
        self._deadline = self.begun + 240 + 1.5 * n  # for asking
        self.asking_seconds = self.settling_seconds = 0.0

    def conduct(self) -> None:
        acts = self._acts()
        for number, (name, act) in enumerate(acts.items(), start=1):
            self._until_asked(self._n * number // (len(acts) + 2))
            _say(f"{self.visitors.asked} asked, {self.failures} requests failed; {name}")
            act()
        self._until_asked(self._n, and_broker=True)
        self.visitors.stop()
        self.house.broker.calm()
        self.asking_seconds = time.monotonic() - self.begun

    @property
    def failures(self) -> int:
        return len(self.visitors.notes.failures)

    def _acts(self) -> dict[str, Callable[[], None]]:
        house = self.house
        first, second = house.nodes
        return {
            "a worker is killed": house.kill_worker,
            "the first web node is upgraded while PostgreSQL is restarted": lambda: (
                house.upgrade_web(first, meanwhile=house.restart_database)
            ),
            "the workers are upgraded": house.upgrade_workers,
            "the second web node is upgraded": lambda: house.upgrade_web(second),
            "PostgreSQL is restarted": house.restart_database,
            "another worker is killed": house.kill_worker,
        }

    def _until_asked(self, count: int, *, and_broker: bool = False) -> None:
        while time.monotonic() < self._deadline and self.visitors.are_at_work:
            if not self.house.broker.is_at_work:
                self.house.broker.calm()
            is_restarted = self.house.broker.figures().get(_BROKER_RESTARTED, 0) > 0
            if self.visitors.asked >= count and (is_restarted or not and_broker):
                return
            time.sleep(0.2)

    def settle(self) -> None:
        """Until all is finished and the cloud was read whole, or for a bounded time."""
        from django.db import connection

        from tests.faults.run import open_count, read_all

        connection.close()  # the server was restarted since
        begun = time.monotonic()
        while open_count() and time.monotonic() < begun + 120 + self._n * 0.1:
            time.sleep(0.2)
        self.settling_seconds = time.monotonic() - begun
        read_all(time.monotonic() + 60)
        self.house.nursery.stop()

    def judged(self) -> "Judgment":
        from tests.faults import evidence
        from tests.faults.facts import Outside
        from tests.faults.judge import judge

        cloud = self.house.cloud
        return judge(
            evidence.facts_of(
                snapshots=cloud.snapshots(),
                volumes=cloud.volumes(),
                outside=Outside(),
                shown=[],
                seen=self.house.proxy.seen,
                acknowledged=self.visitors.notes.acknowledged,
                at_cloud=cloud.requests(),
                cancelled=set(),
                sent_without_right=[],
                left_lying=[],
                broke_off=self.house.nursery.broke_off(),
                deadlocks=evidence.deadlock_count(),
            )
        )

    def ends(self) -> dict[str, int]:
        from tests.faults import evidence

        return evidence.ends()

    def figures(self) -> dict[str, Any]:
        notes, house = self.visitors.notes, self.house
        in_restart = [failure for failure in notes.failures if self._is_in_restart(failure)]
        seconds = sorted(notes.seconds) or [0.0]
        return {
            "asked": self.visitors.asked,
            "asked, by kind": dict(sorted(notes.asked.items())),
            "ended": self.ends(),
            "people's HTTP requests": len(notes.seconds),
            "failed while PostgreSQL was restarted": len(in_restart),
            "failed at other times": len(notes.failures) - len(in_restart),
            "pressed again": notes.pressed_again,
            "forms that came again": notes.came_again,
            "forms not possible": notes.not_possible,
            "answers, median s": round(seconds[len(seconds) // 2], 2),
            "answers, longest s": round(seconds[-1], 2),
            **house.done,
            "PostgreSQL away, s": [round(end - begin, 1) for begin, end in house.restarts],
            "tracebacks of web nodes": house.web_errors(),
            "RabbitMQ": house.broker.figures(),
            "workers": dict(house.nursery.done),
            "asking, s": round(self.asking_seconds),
            "settled after, s": round(self.settling_seconds, 1),
        }

    def _is_in_restart(self, failure: Any) -> bool:
        return any(
            failure.began < end + _RECOVERS_SECONDS and failure.ended > begin
            for begin, end in self.house.restarts
        )

    def not_drawn(self) -> list[str]:
        """What did not happen: a run without it proves nothing about it."""
        done, broker = self.house.done, self.house.broker
        figures, ends = broker.figures(), self.ends()
        drawn = {
            f"{self._n} operations": self.visitors.asked >= self._n,
            "messages that brought work": figures[BROUGHT] > 0,
            "lost messages": figures[LOST] > 0,
            "RabbitMQ restarted": figures.get(_BROKER_RESTARTED, 0) > 0,
            parts.RESTARTED: done[parts.RESTARTED] > 0,
            parts.KILLED: done[parts.KILLED] > 0,
            parts.UPGRADED_WEB: done[parts.UPGRADED_WEB] >= len(parts.WEB_NODES),
            parts.UPGRADED_WORKER: done[parts.UPGRADED_WORKER] >= parts.WORKERS,
            **{f"{kind} that succeeded": ends.get(f"{kind} succeeded", 0) > 0 for kind in KINDS},
        }
        return [name for name, was_drawn in drawn.items() if not was_drawn]


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="evsportal-nodes-"))
    try:
        with servers(folder, options.seed) as (house, ends):
            return _run(options, house, ends)
    finally:
        if options.keep:
            _say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run(options: argparse.Namespace, house: House, ends: ExitStack) -> int:
    from tests.faults.people import settle_in

    volume_ids = house.cloud.add_volumes(max(40, options.n // 4))
    person = settle_in(house.cloud.name, volume_ids)
    person.set_password("demo")
    person.save()
    _say("starting the nodes")
    house.start(ends)
    visitors = Visitors(house.balancer.url, volume_ids, seed=options.seed, count=_VISITORS)
    ends.callback(visitors.stop)
    visitors.start(person.username, "demo")
    _say("people are at work")
    run = Run(house, visitors, options.n)
    run.conduct()
    _say(f"{visitors.asked} asked; settling")
    run.settle()
    judgment, figures, not_drawn = run.judged(), run.figures(), run.not_drawn()
    for kind, lines in vars(judgment).items():
        for line in lines[:10]:
            _say(f"{kind}: {line}")
    for failure in visitors.notes.failures[:20]:
        _say(f"failed: {failure.text}, {failure.ended - failure.began:.1f} s")
    verdict, status = _verdict(judgment, visitors, not_drawn)
    report = {"verdict": verdict, "seed": options.seed, **judgment.counts(), **figures}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    _print_table(report)
    return status


def _verdict(judgment: "Judgment", visitors: Visitors, not_drawn: list[str]) -> tuple[str, int]:
    if not judgment.is_clean or visitors.notes.failures:
        return "broken", WRONG
    if not_drawn:
        return f"not proven: without {', '.join(not_drawn)}", NOT_PROVEN
    return "proven", 0


def _print_table(report: dict[str, Any]) -> None:
    for name, figure in report.items():
        if isinstance(figure, dict):
            print(f"{name}:")
            for part, count in figure.items():
                print(f"  {part:<44} {count}")
        else:
            print(f"{name:<46} {figure}")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} nodes: {line}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run nodes", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="operations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the table for programs")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
