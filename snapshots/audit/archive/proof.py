"""Proves an archive's file with the tool of the auditors, which shares no code with the portal."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from snapshots.audit.archive.plan import Batch
from snapshots.audit.seals import keys
from snapshots.models import Seal

TOOL = Path("tools") / "verify_audit.py"


class NotProvenError(Exception):
    """The file is not what it should be; the message says why."""


def prove(path: Path, batch: Batch, known: Sequence[Ed25519PublicKey]) -> None:
    """Read the file back: it holds every row of these seals, and they are the database's own.

    A tombstone excuses no row here: the file must hold them all. Raises `NotProvenError`.
    """
    with tempfile.TemporaryDirectory() as folder:
        anchors, public = Path(folder, "anchors"), Path(folder, "public.pem")
        anchors.write_text("".join(_anchors(batch)), encoding="ascii")
        public.write_text("".join(keys.public_pem(key) for key in known), encoding="ascii")
        told = ["--key", str(public)] if known else []
        tool = settings.BASE_DIR / TOOL
        done = subprocess.run(  # noqa: S603 - our own program and paths
            [sys.executable, str(tool), str(path), "--anchor", str(anchors), *told],
            capture_output=True,
            text=True,
            check=False,
        )
    wanted = f"Sound: {batch.sealed} rows in {batch.seals} seals, 0 archived; 0 not sealed yet."
    words = (done.stdout or done.stderr).splitlines() or ["The tool said nothing."]
    if done.returncode != 0 or words[0] != wanted:
        raise NotProvenError(words[0] if words[0] != wanted else words[-1])


def _anchors(batch: Batch) -> Iterator[str]:
    seals = Seal.objects.filter(number__range=(batch.first, batch.last)).order_by("number")
    for number, digest in seals.values_list("number", "digest"):
        yield json.dumps({"number": number, "digest": digest}) + "\n"
