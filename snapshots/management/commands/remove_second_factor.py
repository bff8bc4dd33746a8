"""`manage remove_second_factor NAME`: for somebody who lost app and spare codes."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.mfa.factors import remove


class Command(BaseCommand):
    help = "Removes a person's second factor, so that the password alone opens. It is recorded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        person = User.objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"Nobody is named {name}.")
        if not remove(person):
            raise CommandError(f"{name} has no second factor.")
        self.stdout.write(f"{name} has no second factor any more.")
