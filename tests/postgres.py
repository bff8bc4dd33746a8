"""A throw-away PostgreSQL for one test run, from the system's binaries, on a Unix socket only."""

import argparse
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from snapshots.management.supervisor import die_with

# xdist's workers are told by their parent where its cluster is.
_URL_FOR_WORKERS = "TESTS_POSTGRES_URL"
# Speed: what is lost with the power is a test run.
_SPEED = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


def is_asked_for(argv: list[str]) -> bool:
    """Before pytest has parsed anything; the option itself is declared in conftest.py."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--database")
    asked = parser.parse_known_args(argv)[0].database == "postgres"
    return asked or _URL_FOR_WORKERS in os.environ


def url() -> str:
    if _URL_FOR_WORKERS not in os.environ:
        os.environ[_URL_FOR_WORKERS] = _start(_binaries(), [*_SPEED, "autovacuum=off"])
    return os.environ[_URL_FOR_WORKERS]


def url_for_many_rows() -> str:
    """A server that keeps statistics: without them queries of full tables get bad plans."""
    return _start(_binaries(), _SPEED)


def durable_url() -> str:
    """A server as PostgreSQL sets it up: for measuring."""
    return _start(_binaries(), [])


def _binaries() -> Path:
    on_path = shutil.which("initdb")
    programs = [Path(on_path)] if on_path else []
    programs += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not programs:
        raise pytest.UsageError(
            "--database postgres: PostgreSQL's initdb is neither on the PATH nor below"
            " /usr/lib/postgresql. On Debian or Ubuntu: apt-get install postgresql"
        )
    return programs[0].parent


class Server:
    """A server that a test may stop and start; it keeps its data."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._folder = _new_cluster(self._binaries)
        self.url = _url_of(self._folder)
        self.start()

    def start(self) -> None:
        self._process = _serve(self._binaries, self._folder, _SPEED)
        _wait_until_ready(self._process, self._folder)

    def stop(self) -> None:
        """As an administrator does it: all sessions are ended."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    def remove(self) -> None:
        _stop(self._process, self._folder)


def _start(binaries: Path, settings: list[str]) -> str:
    folder = _new_cluster(binaries)
    server = _serve(binaries, folder, settings)
    atexit.register(_stop, server, folder)
    _wait_until_ready(server, folder)
    return _url_of(folder)


def _url_of(folder: Path) -> str:
    return f"postgresql://evsportal@{quote(str(folder), safe='')}/postgres"


def _environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _new_cluster(binaries: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="evsportal-pg-"))
    owner = _owner()
    shutil.chown(folder, owner)
    initdb = [binaries / "initdb", "--pgdata", folder / "data", "--username", "evsportal"]
    initdb += ["--auth", "trust", "--encoding", "UTF8", "--no-sync"]
    subprocess.run(
        initdb, user=owner, cwd=folder, env=_environ(), check=True, stdout=subprocess.DEVNULL
    )
    return folder


def _serve(binaries: Path, folder: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    cluster = folder / "data"
    options = [f"unix_socket_directories={folder}", "listen_addresses=", *settings]
    argv = [binaries / "postgres", "-D", cluster, *(part for o in options for part in ("-c", o))]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            argv,
            user=_owner(),
            cwd=folder,
            env=_environ(),
            stderr=log,
            process_group=0,  # Ctrl-C is for pytest, which then ends the server
            # SIGINT: at once, politely.
            preexec_fn=die_with(os.getpid(), by=signal.SIGINT),
        )


def _owner() -> str:
    """initdb refuses root; Debian's package brings a user."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    notes = folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + 30
    # The file is there a moment before its lines are.
    while not (notes.exists() and notes.read_text().rstrip().endswith("\nready")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise pytest.UsageError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.02)


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
