"""A throw-away RabbitMQ for one test run, from the system's package, on loopback ports only."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import kombu
import pytest

from snapshots.management.supervisor import die_with
from tests.ports import free_ports

START_SECONDS = 180  # Erlang takes half a minute on a busy machine
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not the wrapper, which changes the user
_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
"""


@cache
def shared_url() -> str:
    """The address of a server for this process's tests, which leave it as it is."""
    server = RabbitMQ()
    atexit.register(server.remove)
    server.start()
    return server.url


class RabbitMQ:
    """One node. It keeps its queues when it is stopped or killed and started again."""

    def __init__(self) -> None:
        if not _SERVER.exists():
            raise pytest.UsageError(
                "--engine celery: RabbitMQ is not installed. On Debian or Ubuntu:"
                " apt-get install rabbitmq-server"
            )
        self.folder = Path(tempfile.mkdtemp(prefix="evsportal-rabbitmq-"))
        self.port, epmd_port, distribution_port = free_ports(apart=(0, 1, 2))
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        (self.folder / "rabbitmq.conf").write_text(_CONFIG.format(port=self.port))
        (self.folder / "env.conf").touch()
        (self.folder / "plugins").write_text("[].\n")
        self._environ = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput +S 1:1 +sbwt none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }
        self._epmd = self._run("epmd", "-address", "127.0.0.1", "-port", str(epmd_port))
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server = self._run(str(_SERVER))
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                output = (self.folder / "output").read_text(errors="replace")
                raise pytest.UsageError(f"RabbitMQ did not start: {output[-2000:]}")
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with self.connection():
                return True
        except (OSError, kombu.exceptions.OperationalError):
            return False

    @contextlib.contextmanager
    def connection(self) -> Iterator[kombu.Connection]:
        connection = kombu.Connection(self.url, connect_timeout=5)
        connection._ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        try:
            yield connection
        finally:
            connection.release()

    def purge(self, queue: str) -> int:
        """Throw all its messages away; how many."""
        with self.connection() as connection:
            return int(connection.default_channel.queue_purge(queue) or 0)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self._server is not None
        self.thaw()
        os.killpg(self._server.pid, number)
        try:
            self._server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()

    def freeze(self) -> None:
        """It hangs: its connections stay open, and nothing answers."""
        os.killpg(self._server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGCONT)

    def remove(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self.kill()
        self._epmd.kill()
        self._epmd.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *argv: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                argv,
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=die_with(os.getpid(), by=signal.SIGKILL),
            )
