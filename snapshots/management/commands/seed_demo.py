"""`manage seed_demo`: the demo accounts and their volumes. In sandbox mode only."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from snapshots.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from snapshots.clouds import SANDBOX
from snapshots.database.locks import DEMO_ACCOUNTS as DEMO_ACCOUNTS_LOCK
from snapshots.database.locks import process_lock
from snapshots.models import Role, VolumeGrant
from snapshots.sandbox import scenarios


class Command(BaseCommand):
    help = "Makes the demo accounts and gives them volumes of the sandbox."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settings.EVSPORTAL_MODE != "sandbox":
            raise CommandError("Demo accounts exist in sandbox mode only.")
        waiting = "Another process makes the demo accounts; waiting for it."
        with process_lock(DEMO_ACCOUNTS_LOCK, waiting=waiting), transaction.atomic():
            for name, role, _duty in DEMO_ACCOUNTS:
                self._person(name, role)

    def _person(self, name: str, role: Role) -> None:
        if User.objects.filter(username=name).exists():
            return  # what people changed stays changed
        person = User.objects.create_user(name, password=DEMO_PASSWORD)
        person.groups.add(Group.objects.get(name=role))
        for volume in scenarios.VOLUMES:  # one by one: that is how each is recorded
            if volume.owner == name:
                VolumeGrant.objects.create(cloud=SANDBOX, volume_id=volume.id, user=person)
