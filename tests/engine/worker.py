"""`manage worker` as the engine's tests start it: takes up without a message what was due for as
many seconds as the argument says.
"""

import sys
from datetime import timedelta

import django
from django.core.management import execute_from_command_line

from tests.faults.processes import end_with_parent


def main() -> None:
    end_with_parent()
    django.setup()
    from snapshots.jobs.broker.engine import CeleryEngine

    CeleryEngine.patience = timedelta(seconds=float(sys.argv[1]))
    execute_from_command_line(["manage.py", "worker"])


if __name__ == "__main__":
    main()
