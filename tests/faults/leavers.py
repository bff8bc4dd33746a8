"""People who ask, and lose the right to it while their requests wait or are being sent."""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, User
from django.db import Error as DatabaseError
from django.db import transaction

from snapshots.models import SENDING_PURPOSES, Exchange, Operation, Role, Volume, VolumeGrant
from snapshots.operations.asking import OperationArguments, ask_for_operation
from snapshots.operations.refusals import NotAllowedError
from snapshots.operations.withdrawing import withdraw_requests
from tests.faults.facts import INTENT
from tests.faults.people import People, patiently

MOST_REQUESTS = 4
LONGEST_STAY_SECONDS = 2.0


@dataclass
class _Leaver:
    person: User
    leaves_at: float  # monotonic
    sent: set[int] = field(default_factory=set)  # what had left the portal when the right was gone


class Leavers:
    """One comes or goes each time it is told to act."""

    def __init__(self, people: People, seed: int) -> None:
        self._people = people
        self._random = random.Random(f"{seed}/leavers")
        self._volumes = list(Volume.objects.filter(cloud=people.cloud))
        self._there: list[_Leaver] = []
        self._gone: list[_Leaver] = []

    @property
    def count(self) -> int:
        return len(self._there) + len(self._gone)

    def come(self) -> None:
        person = User.objects.create_user(f"leaver-{self.count}")
        person.groups.add(Group.objects.get(name=Role.STAFF))
        VolumeGrant.objects.create(cloud=self._people.cloud, scope="cloud", user=person)
        leaves_at = time.monotonic() + self._random.uniform(0, LONGEST_STAY_SECONDS)
        self._there.append(_Leaver(person, leaves_at))
        for _ in range(self._random.randint(1, MOST_REQUESTS)):
            self._ask(person, self._random.choice(self._volumes))

    def go(self, *, all_of_them: bool = False) -> None:
        """Whose time has come loses the right, in one of the ways there are."""
        for leaver in list(self._there):
            if all_of_them or leaver.leaves_at <= time.monotonic():
                self._lose(leaver)
                self._there.remove(leaver)
                self._gone.append(leaver)

    def sent_without_right(self) -> list[str]:
        """What left the portal after the right was gone, a line each."""
        return [
            f"exchange {key} of {leaver.person.username}, who had left"
            for leaver in self._gone
            for key in sorted(_sent_for(leaver.person) - leaver.sent)
        ]

    def withdrawn(self) -> int:
        people = [leaver.person.pk for leaver in self._gone]
        codes = ["shut_out", "role_lost", "grant_lost"]
        asked = Operation.objects.filter(requester__in=people)
        return asked.filter(outcome_code__in=codes).count()

    def _ask(self, person: User, volume: Volume) -> None:
        intent = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        wanted = OperationArguments(volume=volume, name="fault run", metadata={INTENT: intent})
        try:
            operation, _ = patiently(
                lambda: ask_for_operation(requester=person, key=uuid.UUID(intent), arguments=wanted)
            )
        except NotAllowedError:
            if volume.volume_id not in self._people.removed_volumes:
                raise
        else:
            self._people.note(intent, operation)

    def _lose(self, leaver: _Leaver) -> None:
        person = leaver.person
        ways: list[Callable[[], object]] = [
            lambda: User.objects.filter(pk=person.pk).update(is_active=False),
            person.groups.clear,
            lambda: VolumeGrant.objects.filter(user=person).delete(),
        ]
        way, is_administered = self._random.choice(ways), self._random.random() < 0.5
        while not _done(way):
            time.sleep(0.2)
        leaver.sent = _sent_for(person)  # nothing of theirs may leave from now on
        if is_administered:
            withdraw_requests([person])


def _done(way: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            way()
    except DatabaseError:  # a worker that is frozen while it sends keeps the row
        return False
    return True


def _sent_for(person: User) -> set[int]:
    sent = Exchange.objects.filter(operation__requester=person, purpose__in=SENDING_PURPOSES)
    return set(sent.values_list("pk", flat=True))
