"""What all units of work with one cloud share."""

from snapshots.evs.config import CloudConfig


class Connection:
    """Shared by threads; built once per cloud by `connect`."""


def connect(config: CloudConfig) -> Connection:
    """Build the connection that `config` describes; sends nothing."""
    raise NotImplementedError(config.name)
