"""Programs for developers, called by `./run`; `verify_audit.py` is the auditors' own."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
