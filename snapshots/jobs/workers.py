"""Which workers live: told by their beats and their processes, never by comparing clocks.

A worker that is gone must not keep its rows until their leases end. Another worker notices in two
ways. On the same machine it looks whether the process is there. From anywhere it counts beats: a
worker that adds none while the observer beats four times is gone or stands still. If that is wrong,
fencing keeps the rows right.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import F
from django.utils import timezone

from snapshots.models import Worker

BEAT_SECONDS = 1.0
SILENT_BEATS = 4
_NAMESPACE_AND_BOOT = ("/proc/self/ns/pid", "/proc/sys/kernel/random/boot_id")


def new_name() -> str:
    """A name that no other process ever had: a container's processes repeat their numbers."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}:{secrets.token_hex(3)}"


def process_mark(pid: int) -> str:
    """Where a process runs, its number and its start; empty when it is gone or not on Linux."""
    namespace, boot = _NAMESPACE_AND_BOOT
    try:
        where = f"{Path(namespace).readlink()} {Path(boot).read_text(encoding='ascii').strip()}"
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    status, *numbers = stat.rpartition(")")[2].split()
    return "" if status in "ZX" else f"{where} {pid} {numbers[18]}"


def is_gone(mark: str) -> bool:
    """Whether this process ran on our machine and has ended. False where nobody can tell."""
    machine, *process = mark.rsplit(" ", 2)
    is_ours = process_mark(os.getpid()).rsplit(" ", 2)[0] == machine
    if not is_ours or len(process) != 2:
        return False
    pid = int(process[0])
    now = process_mark(pid)
    return now != mark and not (now == "" and _is_hidden(pid))


def _is_hidden(pid: int) -> bool:
    """Whether another user's process has this number: /proc may hide it (systemd's ProtectProc)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def beat(name: str) -> bool:
    """Say that this worker lives, for others to count. Whether its row was there already."""
    now = timezone.now()
    if Worker.objects.filter(name=name).update(beats=F("beats") + 1, seen_at=now):
        return True
    mark = process_mark(os.getpid())
    Worker.objects.create(name=name, process=mark, started_at=now, seen_at=now)
    return False


@dataclass
class SilenceWatch:
    """Compares other workers' beats with this worker's own."""

    _counted: dict[str, tuple[int, int]] = field(default_factory=dict)

    def silent(self, beats: Mapping[str, int]) -> set[str]:
        """The names that added no beat while this worker beat `SILENT_BEATS` times. To be asked
        once for each own beat: a slow observer then looks rarely, and condemns nobody for that.
        """
        before = self._counted
        self._counted = {
            name: (count, before[name][1] + 1 if before.get(name, (-1,))[0] == count else 0)
            for name, count in beats.items()
        }
        return {name for name, (_, looks) in self._counted.items() if looks >= SILENT_BEATS}
