"""`./run faults`: proves that each request makes exactly one snapshot, whatever breaks."""

import argparse
import json
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import portal
from tests.faults.breaks import GUARDS, break_guard
from tests.faults.cloud import Cloud, SandboxCloud
from tests.faults.facts import Outside
from tests.faults.nursery import Nursery
from tests.faults.plan import Drawer
from tests.faults.proxy import Proxy, Times

if TYPE_CHECKING:
    from tests.faults.broker import BrokerTrouble

_THREADS = 16  # of each worker
WRONG, NOT_PROVEN = 1, 3  # exit statuses; 2 is a command line that cannot be read
_CREATES_PER_KILL = 40  # drawn; how many are carried out is up to `Orders`


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="evsportal-faults-"))
    cloud = None
    try:
        cloud = _cloud(options, folder)
        return _run(options, folder, cloud)
    finally:
        if cloud is not None:
            cloud.stop()
        if options.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _cloud(options: argparse.Namespace, folder: Path) -> Cloud:
    if not options.live:
        return SandboxCloud(folder)
    from tests.faults.live import LiveCloud

    return LiveCloud()


def _broker(options: argparse.Namespace, nursery: Nursery) -> "BrokerTrouble | None":
    if options.engine != "celery":
        return None
    from tests.faults.broker import BrokerTrouble  # it needs Celery's packages

    return BrokerTrouble(nursery.folder, options.seed, nursery)


def _run(options: argparse.Namespace, folder: Path, cloud: Cloud) -> int:
    nursery = Nursery(
        folder=folder,
        count=options.workers,
        seed=options.seed,
        frozen_seconds=cloud.pace.frozen_seconds,
        broken=options.broken,
    )
    times = Times(cloud.pace.give_up_seconds, cloud.pace.late_seconds)
    drawer = Drawer(options.seed, creates_per_kill=_CREATES_PER_KILL)
    proxy = Proxy(cloud.route, drawer, times, nursery)
    broker = _broker(options, nursery)
    try:
        return _run_with(options, proxy, nursery, cloud, broker)
    finally:
        if broker:
            broker.stop()


def _run_with(
    options: argparse.Namespace,
    proxy: Proxy,
    nursery: Nursery,
    cloud: Cloud,
    broker: "BrokerTrouble | None",
) -> int:
    folder = nursery.folder
    nursery.environ = portal.Portal(folder, options.database, _THREADS, cloud.pace).environ(
        cloud.environ(proxy.url, folder) | (broker.settings if broker else {})
    )
    portal.enter(nursery.environ)
    proxy.start()
    try:
        if broker:
            broker.start(nursery.environ)
        status = _conduct(options, proxy, nursery, cloud, broker)
        if broker:
            broker.calm()
        return status
    finally:
        nursery.stop()
        proxy.stop()


def _conduct(
    options: argparse.Namespace,
    proxy: Proxy,
    nursery: Nursery,
    cloud: Cloud,
    broker: "BrokerTrouble | None",
) -> int:
    # Django is set up only now.
    from tests.faults.changes import Changes
    from tests.faults.leavers import Leavers
    from tests.faults.onlooker import Onlooker
    from tests.faults.outsider import Outsider
    from tests.faults.people import People, settle_in
    from tests.faults.run import Orders, Run, say, write_plot

    if options.broken == "key":  # the one guard that is not in the workers
        break_guard("key")
    orders = Orders(options.n, options.seed, options.workers, _THREADS)
    # So many operations wait at once that readings, judgments and heartbeats meet on their rows.
    volumes = min(cloud.most_volumes, max(400, options.n // 3))
    volume_ids = cloud.add_volumes(volumes)
    person = settle_in(cloud.name, volume_ids)
    people = People(person, cloud.name, options.seed, most_open=volumes)
    outsider = Outsider(cloud.control, options.seed, volume_ids) if cloud.control else None
    if outsider:
        people.removed_volumes = outsider.done.removed_volumes
    run = Run(
        orders,
        proxy=proxy,
        nursery=nursery,
        people=people,
        cloud=cloud,
        leavers=Leavers(people, options.seed),
        changes=Changes(people, options.seed, is_our_cloud=outsider is not None),
        outsider=outsider,
        onlooker=Onlooker(cloud.name, outsider.done if outsider else Outside()),
    )
    over = threading.Event()

    def tell() -> None:
        while not over.wait(5):
            say(run.progress())

    threading.Thread(target=tell, daemon=True).start()
    try:
        run.conduct()
    finally:
        over.set()
    judgment = run.judged()
    report = {
        "cloud": cloud.name,
        "database": options.database,
        "engine": options.engine,
        "broker": broker.figures() if broker else {},
        "break": options.broken,
        **run.report(judgment),
    }
    for kind, lines in vars(judgment).items():
        for line in lines[:20]:
            say(f"{kind}: {line}")
    if options.plot:
        write_plot(options.plot, title=f"Time to settle of {report['operations']} operations")
    print(json.dumps(report), flush=True)
    if options.broken:
        return WRONG if judgment.is_wrong_about_the_cloud else NOT_PROVEN
    if not judgment.is_clean:
        return WRONG
    is_proven = run.is_proven and (broker is None or broker.is_proven)
    return 0 if is_proven else NOT_PROVEN


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run faults", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="operations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--engine", choices=["embedded", "celery"], default="embedded")
    parser.add_argument("--live", action="store_true", help="a cloud named in the environment")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--break", dest="broken", choices=sorted(GUARDS), help="take a guard out")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
