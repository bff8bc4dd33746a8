"""A portal that was installed from its wheel."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stack import two_free_ports
from tests.waiting import until
from tools import ROOT

CLOUDS = """
clouds:
  ankara:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: portal, password: planted,
           user_domain_name: d, project_name: p}
    region_name: r
"""


def build_wheels(folder, *, umask=-1, **environ):
    """`./run wheel FOLDER`, in this Python."""
    subprocess.run(
        [sys.executable, "-P", "-m", "tools", "wheel", folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        umask=umask,
        stdout=subprocess.DEVNULL,
        check=True,
    )


@dataclass
class Installed:
    environment: Path
    home: Path

    @property
    def python(self):
        return self.environment / "bin" / "python"

    @property
    def program(self):
        return self.environment / "bin" / "evsportal"

    def environ(self, **settings):
        """Nothing of the caller's: what a service manager would give, and these settings."""
        self.home.mkdir(exist_ok=True)
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8", **settings}

    def run(self, *arguments, **settings):
        return subprocess.run(
            [self.program, *arguments],
            cwd="/",
            env=self.environ(**settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def clouds(self):
        """The path of a file of real clouds, of which none answers."""
        path = self.home / "clouds.yaml"
        self.home.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(CLOUDS)
        return str(path)

    @contextlib.contextmanager
    def serving(self, *arguments, **settings):
        """Its address, while `evsportal serve` runs."""
        port = two_free_ports()
        log = self.home / "log"
        environ = self.environ(PORT=str(port), **settings)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.program, "serve", *arguments],
                cwd="/",
                env=environ,
                stdout=output,
                stderr=output,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: process.poll() is not None or answers(url + "/healthz"), seconds=60)
            assert process.poll() is None, log.read_text()
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def answers(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def text_at(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return answer.read().decode()
