"""Reads `clouds.yaml` strictly: what it says is what the portal does, or a sentence says why not.

The schema and the reasons are in docs/clouds.md and docs/decisions/0006-clouds-yaml.md.
"""

from snapshots.clouds_yaml.files import full_path
from snapshots.clouds_yaml.mistakes import CloudsRefused
from snapshots.clouds_yaml.reader import Chosen, read_clouds

__all__ = ["Chosen", "CloudsRefused", "full_path", "read_clouds"]
