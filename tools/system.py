"""What tests need from the system: installed by apt-get where possible, else one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def need_chromium() -> None:
    if not any(shutil.which(name) for name in _BROWSERS):
        _install("Chromium", "chromium", "Without it: ./run test -m 'not browser'.")


def need_postgres() -> None:
    has_server = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not has_server:
        _install("PostgreSQL", "postgresql", "Without it: ./run test.")
    if not shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        _install("PgBouncer", "pgbouncer", "Without it: ./run test.")


def need_rabbitmq() -> None:
    if Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        return
    _install("RabbitMQ", "rabbitmq-server", "Without it: ./run test.")
    # Tests start servers of their own.
    stop = ["service", "rabbitmq-server", "stop"]
    subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def need_nginx() -> None:
    if not shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        _install("nginx", "nginx", "Without it: ./run test.")


def _install(name: str, package: str, alternative: str) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(
            f"run: {name} is missing, which tests need. On Debian or Ubuntu: "
            f"apt-get install {package}. {alternative}"
        )
    sys.stderr.write(f"run: installing {package}\n")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],
            env=environ,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            sys.exit(f"run: apt-get could not install {package}; the reason is above.")
