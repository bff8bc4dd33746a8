"""Reads `clouds.yaml` strictly: the portal does what the file says, or a sentence says why not.

The schema and the reasons are in docs/clouds.md and docs/decisions/0006-clouds-yaml.md.
"""

from pathlib import Path

from snapshots.clouds_yaml.chosen import Chosen
from snapshots.clouds_yaml.files import full_path, trouble_with
from snapshots.clouds_yaml.mistakes import CloudsRefused
from snapshots.evs.config import CloudConfig

__all__ = ["Chosen", "CloudsRefused", "full_path", "read_clouds", "trouble_with"]


def read_clouds(path: Path, *, chosen: Chosen | None = None) -> dict[str, CloudConfig]:
    """The clouds of a `clouds.yaml`, by name, in the file's order; all of them without `chosen`.

    A `secure.yaml` beside the file overrides it, and it overrides the profiles of a
    `clouds-public.yaml`. Raises CloudsRefused with a sentence for each mistake.
    """
    from snapshots.clouds_yaml.reader import read

    return read(path, chosen=chosen)
