"""Starting and ending processes: each by its own handle, none outlives the run."""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_parent() -> None:
    """Called in a child: the kernel kills it when the thread that started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def end(process: subprocess.Popen, *, grace_seconds: float = 10) -> None:
    """SIGTERM, then SIGKILL; a stopped one is woken first."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
    process.terminate()
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def owner_of(port: int, pids: list[int]) -> int | None:
    """Which of these processes has this local TCP port: by its socket's inode."""
    inode = _inode_of(port)
    for pid in pids if inode else []:
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(entry.readlink()) == f"socket:[{inode}]":
                        return pid
    return None


def _inode_of(port: int) -> str | None:
    wanted = f"0100007F:{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == wanted:
            return fields[9]
    return None
