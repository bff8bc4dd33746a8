"""Verifies an archive's file with the auditors' tool, which shares no code with the portal."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evsportal.paths import FILES
from snapshots.audit.archive.plan import Batch
from snapshots.audit.seals import keys
from snapshots.models import Seal

TOOL = Path("tools") / "verify_audit.py"


class NotProvenError(Exception):
    """The file is not what it should be; the message says why."""


def prove(path: Path, batch: Batch, public_keys: Sequence[Ed25519PublicKey]) -> None:
    """Read the file back: it holds every row of these seals, and they are the database's own.

    A tombstone excuses no row here: the file must hold them all. Raises `NotProvenError`.
    """
    with tempfile.TemporaryDirectory() as folder:
        anchors, public = Path(folder, "anchors"), Path(folder, "public.pem")
        anchors.write_text("".join(_anchors(batch)), encoding="ascii")
        public.write_text("".join(keys.public_pem(key) for key in public_keys), encoding="ascii")
        key_options = ["--key", str(public)] if public_keys else []
        tool = FILES / TOOL
        done = subprocess.run(  # noqa: S603 - our own program and paths
            [sys.executable, str(tool), str(path), "--anchor", str(anchors), *key_options],
            capture_output=True,
            text=True,
            check=False,
        )
    expected = f"Sound: {batch.sealed} rows in {batch.seals} seals, 0 archived; 0 not sealed yet."
    output = (done.stdout or done.stderr).splitlines() or ["The tool said nothing."]
    if done.returncode != 0 or output[0] != expected:
        raise NotProvenError(output[0] if output[0] != expected else output[-1])


def _anchors(batch: Batch) -> Iterator[str]:
    seals = Seal.objects.filter(number__range=(batch.first, batch.last)).order_by("number")
    for number, digest in seals.values_list("number", "digest"):
        yield json.dumps({"number": number, "digest": digest}) + "\n"
