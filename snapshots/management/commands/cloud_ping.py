"""`manage cloud_ping`: what a person checks of each configured cloud before trusting it."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots import clouds
from snapshots.evs.errors import EvsError
from snapshots.management.rehearsal import (
    Rehearsal,
    RehearsalError,
    StoppedError,
    prepare,
    rehearse,
)
from snapshots.management.survey import survey

_LABEL_WIDTH = 11


class Command(BaseCommand):
    help = (
        "Signs in to each cloud (or the named one), reads everything once and tells what to check;"
        " with --create it also makes, watches and deletes one snapshot."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cloud", nargs="?", help="only this cloud")
        parser.add_argument(
            "--create", metavar="VOLUME", help="rehearse with this volume: its id or name"
        )
        parser.add_argument("--force", action="store_true", help="with --create: also if in use")
        parser.add_argument(
            "--seconds",
            type=float,
            default=600.0,
            help="with --create: how long each step is waited for (default: %(default)g)",
        )

    def handle(self, *_args: Any, cloud: str | None = None, **options: Any) -> None:
        names = clouds.cloud_names()
        if cloud is not None and cloud not in names:
            raise CommandError(f"There is no cloud named {cloud!r}. There are: {', '.join(names)}.")
        chosen = [cloud] if cloud else names
        if options["create"] and len(chosen) > 1:
            raise CommandError(f"Name the cloud that has the volume: {', '.join(names)}.")
        clouds.forget()  # a token from before would hide that the sign-in fails
        failed = [name for name in chosen if not self._survey(name)]  # each is tried
        if options["create"] is not None and not failed:
            failed = [name for name in chosen if not self._rehearse(name, options)]
        if failed:
            raise CommandError(f"Not as it should be: {', '.join(failed)}.")

    def _survey(self, cloud: str) -> bool:
        is_good = True
        self.stdout.write("")
        for line in survey(cloud):
            text = f"  {line.label:<{_LABEL_WIDTH}}{line.text}"
            (self.stderr if line.is_wrong else self.stdout).write(text)
            self.stdout.flush()  # both stay in order where they go to one place
            is_good = is_good and not line.is_wrong
        return is_good

    def _rehearse(self, cloud: str, options: dict[str, Any]) -> bool:
        rehearsal, stops = None, list[bool]()
        before = {
            number: signal.signal(number, lambda *_: stops.append(True))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            rehearsal = prepare(
                cloud,
                options["create"],
                force=options["force"],
                seconds=options["seconds"],
                is_stopped=lambda: bool(stops),
            )
            for sentence in rehearse(rehearsal):
                self._tell_step(sentence)
        except (EvsError, RehearsalError) as error:
            self.stderr.write(f"  {'failed':<{_LABEL_WIDTH}}{error}")
            return False
        except StoppedError:
            self.stderr.write(f"  {'failed':<{_LABEL_WIDTH}}You stopped it.")
            return False
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._tell_leftover(rehearsal)
        return True

    def _tell_step(self, sentence: str) -> None:
        self.stdout.write(f"  {'rehearsal':<{_LABEL_WIDTH}}{sentence}")
        self.stdout.flush()

    def _tell_leftover(self, rehearsal: Rehearsal | None) -> None:
        if rehearsal is not None and rehearsal.leftover:
            self.stderr.write(f"  {'left':<{_LABEL_WIDTH}}{rehearsal.leftover}")
