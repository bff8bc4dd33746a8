"""A sandbox with many snapshots: `python -m tests.bench.cloud 100000`. It prints its address."""

import sys
import threading

from snapshots.sandbox import SandboxOptions, SandboxServer
from snapshots.sandbox.call import new_id
from snapshots.sandbox.records import Snapshot
from snapshots.sandbox.scenarios import USERS, VOLUMES
from tests.faults.processes import end_with_parent

_BEGINS = 1_760_000_000  # seconds since 1970


def main(count: int) -> None:
    end_with_parent()
    with SandboxServer(SandboxOptions(seconds=0)) as server:
        volume = VOLUMES[0]
        with server.sandbox.state.transaction():
            for number in range(count):
                snapshot = Snapshot(
                    id=new_id(),
                    project_id=volume.project_id,
                    user_id=USERS[0].id,
                    volume_id=volume.id,
                    name=f"by hand {number}",
                    description="",
                    status="available",
                    size=volume.size_gb,
                    metadata={"team": "storage"},
                    created_at=_BEGINS + number,
                    progress="100%",
                )
                server.sandbox.state.add_snapshot(snapshot)
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
