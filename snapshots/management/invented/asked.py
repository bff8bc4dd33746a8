"""One operation: what was asked, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.clouds import SANDBOX
from snapshots.management.invented import texts
from snapshots.management.invented.world import Disk, Person, World
from snapshots.models import LONG_UNKNOWN, OperationState, Role


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
    hostile: str = ""  # text for every field that people or the cloud can fill
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
        name=f"{chance.rng.choice(texts.SYSTEMS)}-{chance.text(count=1)}",
        description=f"{chance.rng.choice(texts.REASONS)} {chance.text(count=6)}",
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


def answers_of(asked: Asked) -> dict[str, bool]:
    """The columns that the auditors' questions read."""
    unknown_for = (asked.finished_at or asked.at) - asked.at if asked.looks else timedelta(0)
    is_by_helpdesk = asked.person.role == Role.HELPDESK
    return {
        "forced_in_use": asked.force and not asked.ticket,
        "for_own_volume": is_by_helpdesk and asked.on_behalf_of in {"", asked.person.name},
        "out_of_hours": not (asked.at.weekday() < 5 and 8 <= asked.at.hour < 18),
        "long_unknown": unknown_for > LONG_UNKNOWN,
    }
