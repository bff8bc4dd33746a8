"""nginx before several web nodes, and people whose forms it passes on meanwhile."""

import signal
import socket
import subprocess
import threading
from pathlib import Path

from tests.front.test_observatory import NGINX
from tests.start.web_person import WebPerson
from tests.waiting import until

DENSITIES = ("normal", "compact")


class Balancer:
    """As docs/install.md describes it: a node that is to be restarted is marked `down` first."""

    def __init__(self, folder: Path, node_ports) -> None:
        self.folder = folder
        self.down: set[int] = set()
        self.node_ports = node_ports
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._write()
        self.process = subprocess.Popen(
            [NGINX, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        )
        until(self._workers, seconds=60)

    def _write(self) -> None:
        marks = {port: " down" if port in self.down else "" for port in self.node_ports}
        nodes = "".join(f"server 127.0.0.1:{port}{mark}; " for port, mark in marks.items())
        paths = "".join(
            f"{name}_temp_path {self.folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"daemon off; pid {self.folder}/pid; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {paths} upstream portal {{ {nodes} }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{\n"
            "proxy_pass http://portal; proxy_set_header Host $host; } } }\n"
        )

    def _workers(self) -> set[str]:
        pid = self.process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def mark(self, *, down: set[int]) -> None:
        """Returns when nothing goes to these nodes any more: the workers of before have ended."""
        before = self._workers()
        self.down = down
        self._write()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self._workers() and not self._workers() & before, seconds=90)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class BusyPerson:
    """Reads a page and sends its form, again and again; `failures` has what did not succeed."""

    def __init__(self, address: str, name: str) -> None:
        self.sent, self.failures = 0, []
        self._person = WebPerson(address)
        self._person.send("/accounts/login/", username=name, password="demo")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._is_over.is_set():
            chosen = DENSITIES[self.sent % 2]
            try:
                answer = self._person.send("/preferences/", density=chosen)
            except OSError as error:
                self.failures.append(str(error))
            else:
                if not answer.ok or "/preferences/" not in answer.url:
                    self.failures.append(f"{answer.status_code} {answer.url}")
            self.sent += 1

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(60)
