"""Who there is, what they use, and the chance that moves them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random

from django.contrib.auth.models import Group, User
from django.db.models import Model

from snapshots.clouds import SANDBOX
from snapshots.management.invented import rows, texts
from snapshots.management.invented.texts import End
from snapshots.models import Role, Volume, VolumeGrant

DAYS = 730
_VOLUMES = 600
_STAFF, _DESK = 45, 6


@dataclass(frozen=True, slots=True)
class Person:
    pk: int
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Disk:
    id: str
    name: str
    owner: Person


@dataclass(frozen=True, slots=True)
class Chance:
    """What happens; the same from the same seed."""

    rng: Random
    vocabulary: list[str]
    talk: list[str]
    ends: list[End]

    @classmethod
    def from_seed(cls, seed: str) -> "Chance":
        rng = Random(seed)
        vocabulary = texts.vocabulary(rng, size=5000)
        ends = rng.choices(list(texts.ENDS), list(texts.ENDS.values()), k=50_000)
        return cls(rng, vocabulary, texts.talk(rng, vocabulary, length=100_000), ends)

    def text(self, *, count: int) -> str:
        at = self.rng.randrange(len(self.talk) - count)
        return " ".join(self.talk[at : at + count])

    def uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:12]}4{digits[13:16]}a{digits[17:]}"

    def end(self) -> End:
        return self.rng.choice(self.ends)

    def happens(self, share: float) -> bool:
        return self.rng.random() < share


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is there from the first day to the last."""

    chance: Chance
    begins: datetime  # in UTC, without zone
    staff: list[Person]
    desk: list[Person]
    rare: Person  # who hardly ever asks
    disks: list[Disk]
    numbers: dict[type[Model], Iterator[int]]
    listing: str  # what the cloud answers to watching
    asked: Iterator[int] = field(default_factory=lambda: count(1))

    def day(self, number: int) -> datetime:
        return self.begins + timedelta(days=number)


def settle(chance: Chance, until: date) -> World:
    """People, volumes and grants. Who is there already is not made again."""
    names = [
        f"{first}.{last}"
        for first in texts.FIRST_NAMES.split()
        for last in texts.LAST_NAMES.split()
    ]
    staff = [_person(name, Role.STAFF) for name in chance.rng.sample(names, _STAFF)]
    desk = [_person(f"desk{number}", Role.HELPDESK) for number in range(1, _DESK + 1)]
    disks = [_disk(chance, number, [*staff, *desk]) for number in range(_VOLUMES)]
    begins = datetime.combine(until, time.min) - timedelta(days=DAYS)
    _keep(disks, (begins + timedelta(days=DAYS)).replace(tzinfo=UTC))
    return World(
        chance=chance,
        begins=begins,
        staff=staff,
        desk=desk,
        rare=_person(texts.RARE_PERSON, Role.STAFF),
        disks=disks,
        numbers=rows.free_numbers(),
        listing=json.dumps({"snapshots": [{"id": chance.uuid()} for _ in range(8)]}),
    )


def _person(name: str, role: Role) -> Person:
    user, is_new = User.objects.get_or_create(username=name, defaults={"password": "!"})
    if is_new:
        user.groups.add(Group.objects.get(name=role))
    return Person(user.pk, name, str(role))


def _disk(chance: Chance, number: int, owners: list[Person]) -> Disk:
    name = f"{chance.rng.choice(texts.SYSTEMS)}-{chance.rng.choice(chance.vocabulary)}-{number:03d}"
    return Disk(hyphened(chance.uuid()), name, chance.rng.choice(owners))


def _keep(disks: list[Disk], gone_at: datetime) -> None:
    """Gone, so that nobody asks the sandbox for them."""
    Volume.objects.bulk_create(
        (
            Volume(
                cloud=SANDBOX,
                volume_id=disk.id,
                name=disk.name,
                status="available",
                size_gb=40,
                seen_at=gone_at,
                gone_at=gone_at,
            )
            for disk in disks
        ),
        ignore_conflicts=True,
    )
    VolumeGrant.objects.bulk_create(
        (VolumeGrant(cloud=SANDBOX, volume_id=disk.id, user_id=disk.owner.pk) for disk in disks),
        ignore_conflicts=True,
    )


def hyphened(plain: str) -> str:
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
