"""Runs a management command, after its tables were made or brought up to date.

`manage.py` of a checkout, `evsportal manage` of an installed portal.
"""

import gc
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.core.management import BaseCommand


def prepare_tables_first(name: str, command: "BaseCommand") -> "BaseCommand":
    """Give the command Django's own step between the system checks and the work: ours instead of
    its notice of "unapplied migrations".
    """

    def bring_up_to_date(*_args: Any) -> None:
        from snapshots.management.database import WITHOUT_TABLES, bring_up_to_date

        if name not in WITHOUT_TABLES:  # standard output may be the command's data: `dumpdata`
            bring_up_to_date(
                also_filled=False,
                report=command.stderr.write,
                may_be_newer=name == "restore",  # the way back to this release
            )

    command.requires_migrations_checks = True
    command.check_migrations = bring_up_to_date  # type: ignore[method-assign]
    return command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility
    from django.db import connection
    from django.db.utils import DatabaseError, InterfaceError

    from evsportal.databases import sentence_for
    from evsportal.paths import IS_INSTALLED

    program = "evsportal" if IS_INSTALLED else "manage.py"
    signal.signal(signal.SIGTERM, _interrupt)

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> "BaseCommand":
            return prepare_tables_first(subcommand, super().fetch_command(subcommand))

    try:
        settings.INSTALLED_APPS  # noqa: B018 - read now, so that wrong settings stop any command
        Utility(sys.argv).execute()
    except ImproperlyConfigured as error:  # a wrong setting deserves a sentence, not a traceback
        lines = str(error).splitlines() or ["The settings cannot be used."]
        sys.exit("\n".join(f"{program}: {line}" for line in lines))
    except (DatabaseError, InterfaceError) as error:
        sentence = sentence_for(error, connection)
        if not sentence:
            raise
        sys.exit(f"{program}: {sentence}")
    except KeyboardInterrupt as error:
        _die_by(signal.Signals(*error.args or [signal.SIGINT]))
    finally:
        gc.freeze()  # a process that ends need not look for garbage, for a third of a second


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a command as Ctrl-C does: it removes what it has half done."""
    raise KeyboardInterrupt(number)


def _die_by(number: signal.Signals) -> None:
    """As if nothing had caught the signal: a service manager must not count it as a failure."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    main()
