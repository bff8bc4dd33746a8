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
        os.environ[_URL_FOR_WORKERS] = started([*_SPEED, "autovacuum=off"]).url
    return os.environ[_URL_FOR_WORKERS]


def url_for_many_rows() -> str:
    """A server that keeps statistics: without them queries of full tables get bad plans."""
    return started(_SPEED).url


def durable_url() -> str:
    """A server as PostgreSQL sets it up: for measuring."""
    return started([]).url


def _binaries() -> Path:
    on_path = shutil.which("initdb")
    programs = [Path(on_path).resolve()] if on_path else []
    programs += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not programs:
        raise pytest.UsageError(
            "--database postgres: PostgreSQL's initdb is neither on the PATH nor below"
            " /usr/lib/postgresql. On Debian or Ubuntu: apt-get install postgresql"
        )
    return programs[0].parent


def started(settings: list[str]) -> "Server":
    """A new server, which ends with this process."""
    server = Server(settings)
    server.make()
    server.start()
    return server


class Server:
    """A cluster in a folder of its own, which can be stopped, killed, copied and started again."""

    def __init__(self, settings: list[str]) -> None:
        self._binaries, self._settings = _binaries(), settings
        self.folder = Path(tempfile.mkdtemp(prefix="evsportal-pg-"))
        self._owner = _owner()
        shutil.chown(self.folder, self._owner)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        return f"postgresql://evsportal@{quote(str(self.folder), safe='')}/postgres"

    def make(self) -> None:
        options = ["--username", "evsportal", "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        self._run("initdb", "--pgdata", self._cluster, *options)

    def copy(self, primary: "Server") -> None:
        """Become a replica of a server that runs, which it follows once it is started."""
        options = ["--write-recovery-conf", "--checkpoint", "fast", "--no-sync"]
        address = primary.url.rpartition("/")[0]
        self._run("pg_basebackup", "--pgdata", self._cluster, "--dbname", address, *options)

    def start(self) -> None:
        options = [f"unix_socket_directories={self.folder}", "listen_addresses=", *self._settings]
        argv = [self._binaries / "postgres", "-D", self._cluster]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, *(part for option in options for part in ("-c", option))],
                user=self._owner,
                cwd=self.folder,
                env=_environ(),
                stderr=log,
                process_group=0,  # Ctrl-C is for pytest, which then ends the server
                # SIGINT: at once, politely.
                preexec_fn=die_with(os.getpid(), by=signal.SIGINT),
            )
        self._wait_until_ready(self._process)

    def promote(self) -> None:
        """Let a replica take changes from now on."""
        self._run("pg_ctl", "promote", "--pgdata", self._cluster)

    def crash(self) -> None:
        """As a power cut would end it: without a word to anybody, nothing written down."""
        self.stop(signal.SIGQUIT)

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _cluster(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *args: str | Path) -> None:
        subprocess.run(
            [self._binaries / program, *args],
            user=self._owner,
            cwd=self.folder,
            env=_environ(),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        notes = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + 30
        # The file is there a moment before its lines are.
        while not _is_ready(notes, process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "log").read_text()
                raise pytest.UsageError(f"PostgreSQL did not start: {log}")
            time.sleep(0.02)


def _is_ready(notes: Path, pid: int) -> bool:
    """A server that crashed leaves its notes. A replica says "standby" where others are ready."""
    try:
        lines = notes.read_text().split()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(pid)] and lines[-1] in {"ready", "standby"}


def _environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _owner() -> str:
    """initdb refuses root; Debian's package brings a user."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
