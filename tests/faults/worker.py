"""`manage worker`, or `celery beat`, as the run starts it: it ends with the run, may have one guard
taken out, and its messages are dropped or doubled where Celery is the engine.
"""

import os
import sys

from django.core.management import execute_from_command_line

from tests.faults.breaks import break_guard
from tests.faults.processes import end_with_parent


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

    publish = Publisher._publish

    def publish_badly(self, due) -> None:
        self.count = getattr(self, "count", 0) + 1
        if self.count % 2:
            publish(self, due)
            publish(self, due)

    Publisher._publish = publish_badly


if __name__ == "__main__":
    main()
