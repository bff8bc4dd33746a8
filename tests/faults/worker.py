"""`manage worker`, or `celery beat`, as the run starts it: it ends with the run, may have one guard
taken out, and its messages are dropped or doubled where Celery is the engine.
"""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from tests.faults.breaks import break_guard
from tests.faults.processes import end_with_parent

BROUGHT, LOST, DOUBLED = "steps brought by messages", "messages lost", "messages doubled"


def messages(folder: Path) -> dict[str, int]:
    """What became of messages, in all processes."""
    paths = {what: folder / what for what in (BROUGHT, LOST, DOUBLED)}
    return {what: path.stat().st_size if path.exists() else 0 for what, path in paths.items()}


def _note(what: str) -> None:
    """A byte for each, since a process that is killed tells nothing in the end."""
    with Path(os.environ["EVSPORTAL_VAR"], what).open("ab", buffering=0) as notes:
        notes.write(b".")


def main() -> None:
    end_with_parent()
    if os.environ.get("EVSPORTAL_ENGINE") == "celery":
        _lose_and_double_messages()
    if "--break" in sys.argv:
        import django

        django.setup()
        break_guard(sys.argv[sys.argv.index("--break") + 1])
    if "--beat" in sys.argv:
        from celery.bin.celery import main as celery

        sys.argv = ["celery", "-A", "evsportal", "beat"]
        sys.exit(celery())
    execute_from_command_line(["manage.py", "worker"])


def _lose_and_double_messages() -> None:
    """Every second message is lost, each other one comes twice."""
    import django

    django.setup()
    from snapshots.jobs.broker.publisher import Publisher
    from snapshots.jobs.notices import Notices

    publish, begin = Publisher._publish, Notices.begin

    def publish_badly(self, due) -> None:
        self.count = getattr(self, "count", 0) + 1
        if self.count % 2:
            publish(self, due)
            publish(self, due)
            _note(DOUBLED)
        else:
            _note(LOST)

    def begin_and_note(self, notice) -> None:
        if notice in self._waiting:
            _note(BROUGHT)
        begin(self, notice)

    Publisher._publish, Notices.begin = publish_badly, begin_and_note


if __name__ == "__main__":
    main()
