"""One operation: what was asked, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.clouds import SANDBOX
from snapshots.management.invented import texts
from snapshots.management.invented.world import Disk, Person, World
from snapshots.models import OperationState, Question, Role


@dataclass(slots=True)
class Asked:
    """An operation while it happens."""

    id: str
    cause: str
    person: Person
    disk: Disk
    at: datetime
    number: int
    volume_name: str
    name: str
    description: str
    cloud: str = SANDBOX
    ticket: str = ""
    on_behalf_of: str = ""
    force: bool = False
    hostile: str = ""  # what is written wherever people, or the cloud, may write
    state: OperationState = OperationState.SUCCEEDED
    code: str = ""
    looks: int = 0
    sent_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_rare(self) -> bool:
        return self.number % texts.EVERY_RARE == 0

    @property
    def is_huge(self) -> bool:
        return self.number % texts.EVERY_HUGE == 1


def ask(world: World, at: datetime) -> Asked:
    """By the volume's owner, or by the helpdesk for them."""
    chance, number = world.chance, next(world.asked)
    disk = chance.rng.choice(world.disks)
    helped = chance.happens(0.2)
    asked = Asked(
        id=chance.uuid(),
        cause=chance.uuid(),
        person=chance.rng.choice(world.desk) if helped else disk.owner,
        disk=disk,
        at=at,
        number=number,
        volume_name=disk.name,
        name=f"{chance.rng.choice(texts.SYSTEMS)}-{chance.text(words=1)}",
        description=f"{chance.rng.choice(texts.REASONS)} {chance.text(words=6)}",
        ticket=f"CHG{chance.rng.randrange(10_000, 99_999)}" if chance.happens(0.7) else "",
        on_behalf_of=disk.owner.name if helped else "",
        force=chance.happens(0.15),
    )
    if asked.is_rare:
        _make_rare(asked, world)
    elif number % texts.EVERY_HOSTILE == 1:
        _make_hostile(asked)
    return asked


def _make_rare(asked: Asked, world: World) -> None:
    asked.person, asked.ticket = world.rare, texts.RARE_TICKET
    asked.description = f"{texts.RARE_WORD} {asked.description}"


def _make_hostile(asked: Asked) -> None:
    text = texts.HOSTILE[asked.number // texts.EVERY_HOSTILE % len(texts.HOSTILE)]
    asked.hostile = asked.name = asked.description = asked.volume_name = text
    asked.ticket = asked.on_behalf_of = text


def questions_of(asked: Asked) -> Iterator[Question]:
    """The saved questions that find it."""
    if asked.force and not asked.ticket:
        yield Question.FORCED
    if asked.person.role == Role.HELPDESK and asked.on_behalf_of in {"", asked.person.name}:
        yield Question.OWN_VOLUME
    if asked.state == OperationState.REFUSED:
        yield Question.REFUSED
    if asked.looks and (asked.finished_at or asked.at) - asked.at > timedelta(minutes=10):
        yield Question.LONG_UNKNOWN
    if not (asked.at.weekday() < 5 and 8 <= asked.at.hour < 18):
        yield Question.OUT_OF_HOURS
