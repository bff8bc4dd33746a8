"""The rows of what a cloud holds, as its last reading showed it."""

from snapshots.mirror.servers import (
    ServerNames,
    changes_of_servers,
    drop_servers,
    misnamed_volumes,
    name_servers_of,
    store_servers,
)
from snapshots.mirror.snapshots import (
    STORED_AT_ONCE,
    mark_gone,
    mark_missing,
    mark_unread,
    rename_volumes,
    seen_after,
    seen_before,
    store_snapshots,
)
from snapshots.mirror.volumes import mark_volume_gone, store_volumes, store_watched_volumes

__all__ = [
    "STORED_AT_ONCE",
    "ServerNames",
    "changes_of_servers",
    "drop_servers",
    "mark_gone",
    "mark_missing",
    "mark_unread",
    "mark_volume_gone",
    "misnamed_volumes",
    "name_servers_of",
    "rename_volumes",
    "seen_after",
    "seen_before",
    "store_servers",
    "store_snapshots",
    "store_volumes",
    "store_watched_volumes",
]
