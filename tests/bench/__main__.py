"""`./run bench`: measures a real portal on this machine, and prints ratios within this one run.

Milliseconds differ from machine to machine; a ratio of two figures of the same run says something.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench import (
    bar_plot,
    calls,
    compare,
    crowd,
    figures,
    live,
    notice,
    paint,
    portal,
    sign_in,
    snapshots,
    start,
    trail,
    work,
)
from tests.bench.figures import Figure

DEFAULT_EXCHANGES = 50_000
DEFAULT_SNAPSHOTS = 100_000
MOST_WRONGS = 10


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="evsportal-bench-") as folder:
        kept = options.keep or Path(folder)
        run = next((run for name, run in _RUNS.items() if getattr(options, name)), _portal)
        told, is_good = run(options, kept)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if options.plots and isinstance(told, list):
        name = run.__name__.strip("_")
        options.plots.mkdir(parents=True, exist_ok=True)
        drawing = bar_plot.bar_plot(f"./run bench: {name}", told)
        (options.plots / f"{name}.svg").write_text(drawing, encoding="utf-8")
    if options.compare:
        before = json.loads(options.compare.read_text(encoding="utf-8"))
        sys.stdout.write(compare.table(compare.changes(before, told)))
    return 0 if is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="say what got worse since this --json"
    )
    parser.add_argument("--calls", action="store_true", help="what each page costs, without server")
    parser.add_argument("--live", action="store_true", help="what open pages cost")
    parser.add_argument("--notice", action="store_true", help="from the cloud to an open page")
    parser.add_argument("--paint", action="store_true", help="first pages on a slow network")
    parser.add_argument("--crowd", action="store_true", help="1,000 open pages")
    parser.add_argument("--sign-in", action="store_true", help="what sign-ins cost, and a crowd's")
    parser.add_argument("--trail", action="store_true", help="a portal with a loaded audit trail")
    parser.add_argument(
        "--exchanges", type=int, default=DEFAULT_EXCHANGES, help="in it (docs: 1000000)"
    )
    parser.add_argument(
        "--snapshots",
        type=int,
        nargs="?",
        const=DEFAULT_SNAPSHOTS,
        metavar="COUNT",
        help="a portal with so many snapshots (default: %(const)s)",
    )
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for")
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, postgres, or postgresql://user@host/"
    )
    parser.add_argument("--keep", type=Path, help="a folder for what is loaded, or was before")
    parser.add_argument(
        "--plots", type=Path, metavar="FOLDER", help="draw the figures beside their goals, as SVG"
    )
    _add_simulation(parser)
    _add_work(parser)
    return parser.parse_args()


def _add_simulation(parser: argparse.ArgumentParser) -> None:
    """The settings of the night are the portal's own, from the environment."""
    group = parser.add_argument_group("a simulated night, by the rules and settings of the portal")
    group.add_argument("--simulate", action="store_true", help="docs/scale.md")
    group.add_argument("--seed", type=int, default=1)
    group.add_argument("--nodes", type=int, default=8, help="worker processes")
    group.add_argument("--clouds", type=int, default=100, help="entries of clouds.yaml")
    group.add_argument("--scale", type=float, default=1.0, help="of all else: 0.33, 10")
    group.add_argument("--hours", type=float, default=8.0, help="of the night, and of its requests")
    group.add_argument("--check", action="store_true", help="beside a small real run")


def _add_work(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the work itself, starts and memory")
    group.add_argument("--work", action="store_true", help="what an operation costs the workers")
    group.add_argument("--operations", type=int, default=300, help="in their queue")
    group.add_argument("--workers", type=int, default=2, choices=work.WORKERS, help="up to so many")
    group.add_argument("--start", action="store_true", help="starts, memory, growth")
    group.add_argument("--requests", type=int, default=2000, help="of pages (docs: 10000)")


def _portal(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    measured = portal.measure(folder)
    table = {"figures": measured, "ratios": portal.ratios(measured)}
    for title, rows in table.items():
        sys.stdout.write(f"\n{title}\n")
        for name, value in rows.items():
            sys.stdout.write(f"  {name:<46} {value:>9.2f}\n")
    return table, True


def _calls(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(calls.measure(folder))


def _live(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(live.measure(folder))


def _notice(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(notice.measure(folder))


def _paint(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(paint.measure(folder))


def _crowd(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(crowd.measure(folder))


def _sign_in(_options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(sign_in.measure(folder))


def _simulate(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    if options.check:
        return _check(options, folder)
    portal.enter(folder)
    from tests.bench import simulation, simulation_report
    from tests.bench.scenario import Scenario

    scenario = Scenario(seed=options.seed, nodes=options.nodes, clouds=options.clouds)
    night = simulation.Simulation(scenario.times(options.scale, hours=options.hours)).run()
    if options.plots:
        simulation_report.draw(night, options.plots)
    measured = list(simulation_report.figures_of(night))
    sys.stdout.write(figures.table_of(measured))
    sys.stdout.writelines(f"  {wrong}\n" for wrong in night.wrongs[:MOST_WRONGS])
    return simulation_report.told(night, measured), not night.wrongs


def _check(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    from tests.bench import simulation_check

    scenario = simulation_check.scenario_of(options.seed)
    real = simulation_check.measure(folder, scenario)
    from tests.bench.simulation import Simulation

    model = simulation_check.simulated(Simulation(scenario).run())
    sys.stdout.write(simulation_check.table_of(real, model))
    return {"real": real, "simulated": model}, True


def _work(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(
        work.measure(
            folder,
            operations=options.operations,
            workers=options.workers,
            database=options.database,
            tell=_tell,
        )
    )


def _start(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(start.measure(folder, requests_made=options.requests, tell=_tell))


def _trail(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(trail.measure(folder, exchanges=options.exchanges, **_how(options)))


def _snapshots(options: argparse.Namespace, folder: Path) -> tuple[object, bool]:
    return _told(snapshots.measure(folder, snapshots=options.snapshots, **_how(options)))


def _how(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "database": options.database,
        "times": options.times,
        "tell": _tell,
    }


def _tell(words: str) -> None:
    sys.stderr.write(f"bench: {words}\n")


def _told(told: Iterable[Figure]) -> tuple[object, bool]:
    measured = list(told)
    sys.stdout.write(figures.table_of(measured))
    return figures.plain(measured), all(one.passes is not False for one in measured)


_RUNS = {  # by the option that asks for it; else the whole portal
    "work": _work,
    "start": _start,
    "simulate": _simulate,
    "sign_in": _sign_in,
    "notice": _notice,
    "paint": _paint,
    "crowd": _crowd,
    "calls": _calls,
    "live": _live,
    "snapshots": _snapshots,
    "trail": _trail,
}

if __name__ == "__main__":
    sys.exit(main())
