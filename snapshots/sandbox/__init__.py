"""A simulated Huawei Cloud EVS and OpenStack Cinder, as a real HTTP server.

It knows no Django and nothing of our client, so that it can contradict both. What it answers
comes from the EVS documents (`/v2`) and from recordings of a real Keystone and Cinder
(`/v3`); ids like A-2093 or SEED in docstrings name the documents in `docs/evs-api.md`,
"recorded in 07" the recordings in `tests/contract`.
"""

from snapshots.sandbox.options import ErrorStyle, ForceReading, SandboxOptions
from snapshots.sandbox.server import SandboxServer

__all__ = ["ErrorStyle", "ForceReading", "SandboxOptions", "SandboxServer"]
