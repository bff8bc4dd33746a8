"""`manage questions_rebuild`: puts the auditors' questions to every request anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from snapshots.jobs.claims import LostClaimError
from snapshots.services.questions import rebuild


class Command(BaseCommand):
    help = "Finds anew what the auditors' questions find, by the rules and working hours of now."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            told = rebuild()
        except LostClaimError as error:
            raise CommandError("Another process took this over. Please run it again.") from error
        for label, hits in told.items():
            self.stdout.write(f"{hits:>9,}  {label}")
