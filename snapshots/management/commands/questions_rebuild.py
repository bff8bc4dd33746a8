"""`manage questions_rebuild`: puts the auditors' questions to every request anew."""

from typing import Any

from django.core.management.base import BaseCommand

from snapshots.services.questions import rebuild


class Command(BaseCommand):
    help = "Finds anew what the auditors' questions find, by the rules and working hours of now."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for question, hits in rebuild().items():
            self.stdout.write(f"{hits:>9,}  {question.label}")
