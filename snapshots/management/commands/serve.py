"""The whole portal under one parent: what `./run` starts."""

import contextlib
import hashlib
import http.client
import logging
import os
import socket
import sys
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import BaseCommand, CommandError, call_command, get_commands
from django.db import DatabaseError, connection

from evsportal.environment import read_environment
from evsportal.logs import JSON
from evsportal.notify import READY, take_listening_socket, take_notifier
from evsportal.paths import BASE_DIR, IS_COLLECTED, management_command
from snapshots.accounts import (
    DEMO_ACCOUNTS,
    DEMO_PASSWORD,
    look_for_published_passwords,
    published_password_words,
)
from snapshots.jobs.engine import CELERY
from snapshots.management.database import bring_up_to_date
from snapshots.management.supervisor import Patience, Program, Supervisor

log = logging.getLogger("serve")
_SANDBOX_PORT_OFFSET = 9  # two portals on one machine, told apart by PORT, get a sandbox each
_PAGE_FIRST_SECONDS = 0.8  # on two cores the page is there 0.3 s sooner when the others wait
_ACCOUNTS_LOOKED_AT = 20  # at one start, for published passwords; the others at later starts


class Command(BaseCommand):
    help = "Prepares the database and runs web, worker and (in sandbox mode) the sandbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for part in ("web", "worker", "sandbox"):
            parser.add_argument(f"--no-{part}", action="store_true", help=f"run no {part} here")
        parser.add_argument(
            "--no-migrate", action="store_true", help="end where migrations are missing"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        parts = {part for part in ("sandbox", "worker", "web") if not options[f"no_{part}"]}
        if "worker" in parts and settings.EVSPORTAL_ENGINE == CELERY:
            parts.add("beat")
        if settings.EVSPORTAL_MODE != "sandbox":
            parts.discard("sandbox")
        host, port = _address()
        sandbox_host, sandbox_port = _sandbox_address(port)
        notify = take_notifier()
        steps: list[Callable[[], bool]] = []
        with contextlib.ExitStack() as stack:
            web = None
            if "web" in parts:
                # Bound here, so that the web server can be replaced without refusing anybody.
                bound = take_listening_socket() or _bound(
                    host, port, "Choose another: PORT=8080 ./run"
                )
                web = stack.enter_context(bound)
                steps.append(self._announcer(*_address_of(web)))
            if "sandbox" in parts:
                hint = "It is the sandbox's: choose another PORT, or set EVSPORTAL_SANDBOX_URL."
                _bound(sandbox_host, sandbox_port, hint).close()
            self._prepare(migrate=not options["no_migrate"])
            steps += [_once(lambda: notify(READY)), self._looker()]
            supervisor = Supervisor(
                _programs(parts, sandbox_port, web),
                Patience(retire_seconds=settings.EVSPORTAL_LEASE_SECONDS + 30),
                each_tick=_in_order(steps),
                before_reload=Program("check", [*management_command(), "reload_check"]),
            )
            if _is_json():
                supervisor.report = log.warning
            supervisor.run()

    def _say(self, text: str) -> None:
        """To the person at the terminal, or to the log that a program reads."""
        if _is_json():
            log.info(text.strip())
        else:
            self.stdout.write(text)
            self.stdout.flush()

    def _prepare(self, *, migrate: bool) -> None:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        self._tell_of_older_sandbox()
        bring_up_to_date(also_filled=True, report=self._say, migrate=migrate)
        _collect_static()
        if settings.EVSPORTAL_MODE == "sandbox" and "seed_demo" in get_commands():
            call_command("seed_demo", verbosity=0)
        connection.close()  # nothing of ours stays open while the programs run

    def _tell_of_older_sandbox(self) -> None:
        """Once: an earlier sandbox had its files where those of a real portal are now."""
        older = settings.VAR_DIR / "sandbox.sqlite3"
        new = settings.DATA_DIR / "cloud.sqlite3"
        if settings.EVSPORTAL_MODE == "sandbox" and older.exists() and not new.exists():
            self.stderr.write(
                f"The sandbox now keeps its files in {settings.DATA_DIR}: {older} and the"
                " portal.sqlite3 beside it are not used any more, and may be removed."
            )

    def _announcer(self, host: str, port: int) -> Callable[[], bool]:
        """Says where the portal is, once its page answers: not when it was merely started."""
        local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not a bind
        url_host = f"[{local}]" if ":" in local else local

        def announce() -> bool:
            status = _status_of_page(local, port)
            if status is None:
                return False
            self._say(f"\nThe portal is at http://{url_host}:{port}")
            if status >= http.client.INTERNAL_SERVER_ERROR:
                self._say(f"but its first page answers with status {status}.")
            if settings.EVSPORTAL_MODE == "sandbox":
                self._say(_demo_accounts())
            self._say("Ctrl-C ends it.")
            return True

        return announce

    def _looker(self) -> Callable[[], bool]:
        """Names accounts with a published password, one comparison at each call: it takes longer
        than the whole start, so nobody waits for it.
        """
        looked_for: Iterator[str | None] | None = None

        def look() -> bool:
            nonlocal looked_for
            if settings.EVSPORTAL_MODE != "cloud":
                return True
            looked_for = looked_for or look_for_published_passwords(
                most_accounts=_ACCOUNTS_LOOKED_AT
            )
            try:
                name = next(looked_for)
            except (StopIteration, DatabaseError):
                return True
            finally:
                connection.close()
            if name:
                self.stderr.write(published_password_words(name))
            return False

        return look


def _is_json() -> bool:
    return bool(settings.EVSPORTAL_LOG_FORMAT == JSON)


def _once(act: Callable[[], None]) -> Callable[[], bool]:
    def step() -> bool:
        act()
        return True

    return step


def _in_order(steps: list[Callable[[], bool]]) -> Callable[[], bool]:
    """Asks the first step until it is done, then the next; done when all are."""
    left = deque(steps)

    def step() -> bool:
        if left and left[0]():
            left.popleft()
        return not left

    return step


def _demo_accounts() -> str:
    lines = [f"  {name:<8}{duty}" for name, _role, duty in DEMO_ACCOUNTS]
    return "\n".join([f'Demo accounts, password "{DEMO_PASSWORD}":', *lines])


def _address() -> tuple[str, int]:
    values = read_environment(os.environ)
    return values["EVSPORTAL_BIND"], values["PORT"]


def _sandbox_address(port: int) -> tuple[str, int]:
    url = os.environ.get("EVSPORTAL_SANDBOX_URL")
    if not url:
        url = f"http://127.0.0.1:{port + _SANDBOX_PORT_OFFSET}"
        os.environ["EVSPORTAL_SANDBOX_URL"] = url  # for the programs we start
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def _address_of(listener: socket.socket) -> tuple[str, int]:
    if listener.family not in {socket.AF_INET, socket.AF_INET6}:
        raise CommandError("The socket that systemd opened is not one of TCP: ListenStream=8000.")
    host, port = listener.getsockname()[:2]
    return str(host), int(port)


def _bound(host: str, port: int, hint: str) -> socket.socket:
    """A socket of this address, not listening yet. Raises `CommandError` where it is taken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Connections of a portal that just ended do not count as "taken".
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if isinstance(error, PermissionError):
            raise CommandError(f"Port {port} needs more rights than we have. {hint}") from error
        raise CommandError(f"Port {port} on {host}: {error.strerror}. {hint}") from error
    return bound


def _celery() -> list[str]:
    base = str(BASE_DIR)
    return [sys.executable, "-m", "celery", "--workdir", base, "-A", "evsportal"]


def _programs(parts: set[str], sandbox_port: int, web: socket.socket | None) -> list[Program]:
    manage = management_command()
    fds = (web.fileno(),) if web else ()
    state = str(settings.DATA_DIR / "cloud.sqlite3")
    config = str(BASE_DIR / "evsportal" / "gunicorn.py")
    argvs = {
        "web": [sys.executable, "-m", "gunicorn", "--config", config]
        + [f"--bind=fd://{fd}" for fd in fds],
        "sandbox": [*manage, "sandbox", "--port", str(sandbox_port), "--state", state],
        "worker": [*manage, "worker"],
        "beat": [*_celery(), "beat"],
    }
    delay = _PAGE_FIRST_SECONDS if "web" in parts else 0
    return [
        Program(
            name,
            argv,
            delay_seconds=0 if name == "web" else delay,
            pass_fds=fds if name == "web" else (),
            is_reloaded=name != "sandbox",
            ends_last=name == "sandbox",  # the worker's last requests are answered
        )
        for name, argv in argvs.items()
        if name in parts
    ]


def _collect_static() -> None:
    """Collects the static files when any of them changed; looking costs some milliseconds."""
    if IS_COLLECTED:  # when the wheel was built
        return
    stamp = settings.VAR_DIR / "static.stamp"
    mark = _static_mark()
    collected = (settings.STATIC_ROOT.parent / "staticfiles.json").exists()
    if collected and stamp.exists() and stamp.read_text(encoding="ascii") == mark:
        return
    stamp.unlink(missing_ok=True)  # an interrupted collection is done again
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(mark, encoding="ascii")


def _static_mark() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _status_of_page(host: str, port: int) -> int | None:
    page = http.client.HTTPConnection(host, port, timeout=5)
    try:
        page.request("GET", "/")
        return page.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        page.close()
