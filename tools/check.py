"""`./run check`: every check that must pass before a change goes in, for two cores or a few more.

Steps of one stage run at the same time. A stage with a failed step is the last one. `--whole`,
before a release: on PostgreSQL too each test runs with every set of parameters, and every page is
looked at in every language, width and scheme of colours.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT
from tools.system import need_chromium, need_postgres, need_rabbitmq

_CORES = min(max(os.cpu_count() or 2, 2), 4)
_PYTEST = (sys.executable, "-m", "pytest", "-q")
# One process more than cores, since some wait for something. One that has no more tests takes some
# of another's.
_IN_PARTS = (*_PYTEST, "-n", str(_CORES + 1), "--dist", "worksteal")
_FAST = "not browser and not live and not faults and not packages"


@dataclass(frozen=True)
class Step:
    title: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    step: Step
    output: str
    seconds: float
    is_good: bool


def check(*, whole: bool = False) -> int:
    need_postgres()
    need_rabbitmq()
    need_chromium()
    with tempfile.TemporaryDirectory(prefix="evsportal-check-") as folder:
        environ = {**os.environ, "EVSPORTAL_VAR": folder, "EVSPORTAL_MODE": "sandbox"}
        # Hundreds of processes import the same files, which are compiled once, outside the folder.
        environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for stage in _stages(whole=whole):
            if failed := [
                result.step.title for result in _run(stage, environ) if not result.is_good
            ]:
                sys.stderr.write(f"run: check failed: {', '.join(failed)}.\n")
                return 1
    return 0


def _stages(*, whole: bool) -> Iterator[tuple[Step, ...]]:
    parameters = "all" if whole else "edges"
    yield _static_checks()
    yield (Step("tests on SQLite", (*_IN_PARTS, "-m", _FAST)),)
    on_postgres = ("--database", "postgres", "--parameters", parameters)
    marked = ("-m", f"database and {_FAST}")
    yield (Step("tests on PostgreSQL", (*_IN_PARTS, *marked, *on_postgres)),)
    browser = "browser" if whole else "browser and not whole"
    pages = "tests/e2e/test_every_page.py"
    yield (Step("browser", (*_IN_PARTS, "-m", browser, "tests/e2e", f"--ignore={pages}")),)
    yield (  # the longest first: each of the first two needs a core for minutes
        Step("faults", (*_PYTEST, "-m", "faults", "tests/faults")),
        Step("every page", (*_PYTEST, "-m", browser, pages)),
        Step("packages", (*_PYTEST, "-m", "packages", "tests/packaging")),
    )


def _static_checks() -> tuple[Step, ...]:
    manage = (sys.executable, "manage.py")
    templates = (str(path) for path in sorted(ROOT.glob("templates/**/*.html")))
    return (  # the longest first
        Step("types", (_tool("mypy"),)),
        Step("system checks", (*manage, "check", "--fail-level", "WARNING")),
        Step("migrations", (*manage, "makemigrations", "--check", "--dry-run")),
        Step("import contracts", (_tool("lint-imports"), "--no-logo")),
        Step("dependencies", (_tool("deptry"), "--no-ansi", ".")),
        Step("lint", (_tool("ruff"), "check", ".")),
        Step("format", (_tool("ruff"), "format", "--check", ".")),
        Step("static files", (sys.executable, "tools/format_static.py", "--check")),
        Step("templates", (_tool("djade"), "--check", "--target-version", "5.2", *templates)),
    )


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _run(stage: tuple[Step, ...], environ: dict[str, str]) -> list[Result]:
    """Run the steps, one for each core at a time; print the output of each when it has ended."""
    if len(stage) == 1:
        return [_run_alone(stage[0], environ)]
    with ThreadPoolExecutor(_CORES) as pool:
        results = []
        for result in pool.map(lambda step: _run_quietly(step, environ), stage):
            sys.stdout.write(f"\n== {result.step.title}\n{result.output}")
            _print_end(result)
            results.append(result)
        return results


def _run_alone(step: Step, environ: dict[str, str]) -> Result:
    sys.stdout.write(f"\n== {step.title}\n")
    sys.stdout.flush()
    started = time.monotonic()
    status = subprocess.run(step.command, cwd=ROOT, env=environ, check=False).returncode
    result = Result(step, "", time.monotonic() - started, status == 0)
    _print_end(result)
    return result


def _run_quietly(step: Step, environ: dict[str, str]) -> Result:
    started = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=ROOT,
        env=environ,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Result(step, done.stdout, time.monotonic() - started, done.returncode == 0)


def _print_end(result: Result) -> None:
    end = "ok" if result.is_good else "FAILED"
    sys.stdout.write(f"== {result.step.title}: {end}, {result.seconds:.0f} s\n")
    sys.stdout.flush()
