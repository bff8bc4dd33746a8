"""A real PgBouncer in transaction mode in front of the test run's PostgreSQL."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from snapshots.management.supervisor import die_with
from tests import postgres
from tests.ports import free_port
from tests.waiting import until

CONFIG = """\
[databases]
{database} = host={server} port=5432 user=evsportal dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
pidfile = {folder}/pid
"""


@contextmanager
def new_database(purpose: str) -> Iterator[str]:
    """An empty database on the test run's server; its address. Processes that test at the same time
    share the server, so no other database has its name.
    """
    base = postgres.url().rpartition("/")[0]
    name = f"{purpose}_{secrets.token_hex(4)}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{base}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The address of the same database behind the pooler."""
    parts, port = urlsplit(url), free_port()
    folder = Path(tempfile.mkdtemp(prefix="evsportal-pooler-"))
    database, server = parts.path[1:], unquote(parts.netloc.partition("@")[2])
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(database=database, server=server, port=port, folder=folder))
    owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    for path in (folder, config):
        shutil.chown(path, owner)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"), config],
            user=owner,
            stdout=log,
            stderr=log,
            preexec_fn=die_with(os.getpid(), by=signal.SIGTERM),
        )
    address = f"postgresql://evsportal@127.0.0.1:{port}/{database}"
    try:
        until(lambda: _answers(address), seconds=20)
        yield address
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
