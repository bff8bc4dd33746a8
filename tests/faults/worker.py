"""`manage worker` as the run starts it: it ends with the run, and may have one guard taken out."""

import sys

from django.core.management import execute_from_command_line

from tests.faults.breaks import break_guard
from tests.faults.processes import end_with_parent


def main() -> None:
    end_with_parent()
    if "--break" in sys.argv:
        import django

        django.setup()
        break_guard(sys.argv[sys.argv.index("--break") + 1])
    execute_from_command_line(["manage.py", "worker"])


if __name__ == "__main__":
    main()
