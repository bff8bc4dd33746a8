"""The developers' commands of `./run`: test, check, wheel, sbom, ..."""

import os
import sys

from tools import ROOT
from tools.check import check
from tools.system import need_chromium, need_nginx, need_postgres, need_rabbitmq

# Paths in the arguments of the others are the caller's.
_IN_ROOT = {"test", "faults", "nodes", "tamper"}
_MODULES = {
    "test": "pytest",
    "bench": "tests.bench",
    "faults": "tests.faults",
    "nodes": "tests.nodes",
    "tamper": "tests.tamper",
    "screenshots": "tests.e2e.screenshots",
    "wheel": "tools.wheel",
    "sbom": "tools.sbom",
}


def main(command: str, arguments: list[str]) -> None:
    if command == "check":
        if arguments not in ([], ["--whole"]):
            sys.exit("run: check takes --whole alone.")
        sys.exit(check(whole=bool(arguments)))
    line = " ".join(arguments)
    if command == "screenshots" or (command == "test" and "not browser" not in line):
        need_chromium()
    if command == "nodes" or (command != "bench" and "postgres" in line):
        need_postgres()
    if command == "nodes" or "celery" in line:
        need_rabbitmq()
    if command == "nodes":
        need_nginx()
    if command in _IN_ROOT:
        os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-P", "-m", _MODULES[command], *arguments])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
