"""The servers and nodes of one run, and what is done to them while people are at work."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import postgres
from tests.e2e.stack import Stack
from tests.faults import portal
from tests.faults.broker import BrokerTrouble
from tests.faults.cloud import SandboxCloud
from tests.faults.nursery import Nursery
from tests.faults.plan import Drawer
from tests.faults.proxy import Proxy, Times
from tests.front.balancer import Balancer

WEB_NODES = ("web-1", "web-2")
WORKERS = 3
KILLED, UPGRADED_WORKER, UPGRADED_WEB, RESTARTED = (
    "workers killed and started again",
    "workers upgraded",
    "web nodes upgraded",
    "PostgreSQL restarted",
)
_THREADS = 8  # of each worker
_ONLY_WEB = ("--no-worker", "--no-sandbox")
# The cloud works for four seconds on a rollback: readings a second apart see it at work.
_SIZE_GB = 2000
_READY_SECONDS = 3.0  # after its start a worker takes up what there is
_REPLACED_WITHIN_SECONDS = 120
# What a person asks for at once stays one request however busy this machine is.
_PACE = portal.LONGER
_SETTINGS = {
    "EVSPORTAL_STEP_UP_MINUTES": "720",  # nobody types a password again amid the run
    "EVSPORTAL_WEB_PROCESSES": "1",
}


@dataclass
class House:
    """What runs, and what was done to it."""

    folder: Path
    database: postgres.Server
    cloud: SandboxCloud
    proxy: Proxy
    nursery: Nursery
    broker: BrokerTrouble
    nodes: list[Stack] = field(default_factory=list)
    balancer: Balancer | None = None
    done: Counter[str] = field(default_factory=Counter)
    restarts: list[tuple[float, float]] = field(default_factory=list)  # of PostgreSQL
    _ended_logs: list[str] = field(default_factory=list)

    def start(self, ends: ExitStack) -> None:
        """The processes of the portal, and nginx before them."""
        self.proxy.start()
        ends.callback(self.proxy.stop)
        self.broker.start(self.nursery.environ)
        self.nursery.start()
        ends.callback(self.nursery.stop)
        for name in WEB_NODES:
            (self.folder / name).mkdir()
            kept_back = ("EVSPORTAL_VAR", "PORT")
            settings = {
                key: text
                for key, text in self.nursery.environ.items()
                if key.startswith(("EVSPORTAL_", "DATABASE_URL")) and key not in kept_back
            }
            self.nodes.append(Stack(self.folder / name, **settings))
            ends.callback(self.nodes[-1].stop)
            self.nodes[-1].start(*_ONLY_WEB, ready="/healthz")
        (self.folder / "nginx").mkdir()
        self.balancer = Balancer(self.folder / "nginx", [node.port for node in self.nodes])
        ends.callback(self.balancer.stop)
        self._until_all_work()

    # --- what is done to it ----------------------------------------------------------------------

    def kill_worker(self) -> None:
        self.nursery.kill(self.nursery.living()[0])
        self._until_all_work()
        self.done[KILLED] += 1

    def upgrade_workers(self) -> None:
        """One after the other: it ends its work, and a new one is started."""
        for pid in self.nursery.living():
            self.nursery.replace(pid)
            self._until_all_work(without=pid)
            self.done[UPGRADED_WORKER] += 1

    def upgrade_web(self, node: Stack, *, meanwhile: Callable[[], None] | None = None) -> None:
        """As docs/install.md says it; `meanwhile`, while the other node serves alone."""
        self.balancer.mark(down={node.port})
        if meanwhile:
            meanwhile()
        node.stop()
        self._ended_logs.append(node.log())
        node.start(*_ONLY_WEB, ready="/healthz")
        self.balancer.mark(down=set())
        self.done[UPGRADED_WEB] += 1

    def restart_database(self) -> None:
        """As `pg_ctl restart -m fast` does it. Called in the thread that lives longest, since the
        server ends with the thread that started it.
        """
        began = time.time()
        self.database.stop()
        self.database.start()
        self.restarts.append((began, time.time()))
        self.done[RESTARTED] += 1

    def web_errors(self) -> int:
        """How many tracebacks the web nodes logged."""
        logs = [*self._ended_logs, *(node.log() for node in self.nodes)]
        return sum(log.count("Traceback") for log in logs)

    def _until_all_work(self, without: int = 0) -> None:
        deadline = time.monotonic() + _REPLACED_WITHIN_SECONDS
        while True:
            pids = self.nursery.pids(awake_for=_READY_SECONDS)
            if len(pids) == WORKERS and without not in pids:
                return
            assert time.monotonic() < deadline, "a worker did not come back in time"
            time.sleep(0.1)


@contextmanager
def servers(folder: Path, seed: int) -> Iterator[tuple[House, ExitStack]]:
    """PostgreSQL, RabbitMQ and the simulated cloud, and this process set up as one of the portal's;
    what is put on the stack ends before them.
    """
    with ExitStack() as ends:
        database = postgres.started([])
        ends.callback(database.remove)
        cloud = SandboxCloud(folder, size_gb=_SIZE_GB)
        ends.callback(cloud.stop)
        nursery = Nursery(folder=folder, count=WORKERS, seed=seed, frozen_seconds=0)
        times = Times(_PACE.give_up_seconds, _PACE.late_seconds)
        # It breaks nothing here: it sees what leaves the portal, for the judge.
        proxy = Proxy(cloud.route, Drawer(seed, creates_per_kill=40), times, nursery)
        broker = BrokerTrouble(folder, seed, nursery)
        ends.callback(broker.stop)
        settings = cloud.environ(proxy.url, folder) | broker.settings | _SETTINGS
        settings["DATABASE_URL"] = database.url
        nursery.environ = portal.Portal(folder, "given", _THREADS, _PACE).environ(settings)
        portal.enter(nursery.environ)
        yield House(folder, database, cloud, proxy, nursery, broker), ends
