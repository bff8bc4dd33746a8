"""The README's first real cloud as a script: a clean copy of the project, its blocks in order."""

import os
import re
import select
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# With a terminal of its own, as a person has one: `getpass` reads from nothing else.
_WITH_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks_of(heading: str) -> list[Block]:
    """The fenced blocks below a heading of the README, in its order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    return [Block(language, textwrap.dedent(body)) for language, body in _BLOCK.findall(section)]


def copy_project(folder: Path) -> None:
    """What a clone of the project holds, and a .venv as a first `./run` would have left it."""
    named = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith("tests/") or not (ROOT / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    _lend_venv(folder)


def _lend_venv(folder: Path) -> None:
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    script = ["sh", "-c", "cat requirements*.txt | cksum"]
    summed = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True)
    pins = summed.stdout.strip()
    place = f"{folder.resolve()} python {sys.version_info.major}.{sys.version_info.minor}"
    (folder / ".venv/run.stamp").write_text(f"{place}\npins {pins}\nrequirements.txt\n")


@dataclass
class Person:
    """Types the blocks into a shell in the folder, with nothing set but what a login sets."""

    folder: Path
    port: int

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "PORT": str(self.port),
        }

    def run(self, script: str, *, typed: str = "", **environ: str) -> str:
        """The block's output; fails when it does."""
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.folder,
            env=self.environ | environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def run_in_terminal(self, script: str, answers: list[tuple[str, str]]) -> str:
        """Answers each prompt when it has come: what is typed before is thrown away."""
        argv = [sys.executable, "-c", _WITH_TERMINAL, "sh", "-ec", script]
        with subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            screen = "".join(_answer(process, prompt, answer) for prompt, answer in answers)
            rest, _ = process.communicate(timeout=60)
        screen += rest.decode(errors="replace")
        assert process.returncode == 0, screen
        return screen

    def start(self, script: str, output: Path) -> subprocess.Popen[bytes]:
        """For a block that goes on until it is stopped."""
        with output.open("wb") as file:
            return subprocess.Popen(
                ["sh", "-c", f"exec {script}"],
                cwd=self.folder,
                env=self.environ,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
            )


def _answer(process: subprocess.Popen[bytes], prompt: str, answer: str) -> str:
    screen = b""
    while prompt.encode() not in screen:
        ready, _, _ = select.select([process.stdout], [], [], 60)
        chunk = os.read(process.stdout.fileno(), 4096) if ready else b""
        assert chunk, f"no prompt {prompt!r} after:\n{screen.decode(errors='replace')}"
        screen += chunk
    process.stdin.write(f"{answer}\n".encode())
    process.stdin.flush()
    return screen.decode(errors="replace")
