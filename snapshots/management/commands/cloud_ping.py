"""`manage cloud_ping`: tries the sign-in and one small reading of each configured cloud."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots import clouds
from snapshots.evs.errors import EvsError
from snapshots.services.ping import ping


class Command(BaseCommand):
    help = "Signs in to each cloud (or the named one) and reads a little; says what it found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cloud", nargs="?", help="only this cloud")

    def handle(self, *_args: Any, cloud: str | None = None, **_options: Any) -> None:
        names = [cloud] if cloud else clouds.cloud_names()
        answered = [self._ping(name) for name in names]  # each is tried
        if not all(answered):
            raise CommandError("Not every cloud answered as it should.")

    def _ping(self, cloud: str) -> bool:
        if cloud not in clouds.cloud_names():
            known = ", ".join(clouds.cloud_names())
            raise CommandError(f"There is no cloud named {cloud!r}. There are: {known}.")
        try:
            reached = ping(cloud)
        except EvsError as error:
            self.stderr.write(f"{cloud}: {type(error).__name__}: {error}")
            return False
        self.stdout.write(reached)
        return True
