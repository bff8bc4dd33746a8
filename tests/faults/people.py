"""People who click: ten threads submit through the real service, often twice, and ask again."""

import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, Permission, User
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from snapshots.models import (
    OPEN,
    Operation,
    OperationKind,
    OperationState,
    Role,
    Volume,
    VolumeGrant,
)
from snapshots.operations.asking import OperationArguments, ask_again, ask_for_operation
from snapshots.operations.refusals import NotAllowedError
from snapshots.operations.stopping import cancel_operation

THREADS = 10
INTENT = "intent"  # metadata that goes with the snapshot: what the person wanted once
MOST_AGAIN = 3
_AGAIN = (OperationState.NOT_CREATED, OperationState.REFUSED)


def settle_in(cloud: str, volume_ids: list[str]) -> User:
    """A person who may use every volume of the cloud, and the volumes as the portal knows them."""
    person = User.objects.create_user("alice")
    person.groups.add(Group.objects.get(name=Role.STAFF))
    rights = ("roll_back_volume", "restore_volume")
    person.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    VolumeGrant.objects.create(cloud=cloud, scope="cloud", user=person)
    now = timezone.now()
    Volume.objects.bulk_create(
        Volume(cloud=cloud, volume_id=one, status="available", size_gb=1, seen_at=now)
        for one in volume_ids
    )
    return person


@dataclass
class People:
    """Submits intents as long as the portal is not too far behind."""

    person: User
    cloud: str
    seed: int
    most_open: int
    acknowledged: dict[str, set[str]] = field(default_factory=dict)  # intent to operations
    cancelled: set[str] = field(default_factory=set)  # a person was told so
    submits: int = 0
    again: int = 0
    # Volumes that somebody removed in the cloud: what is asked of them may be refused.
    removed_volumes: Container[str] = ()
    trouble: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _generations: dict[uuid.UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}/people")
        self._random_cancel = random.Random(f"{self.seed}/cancel")
        self._volumes = list(Volume.objects.filter(cloud=self.cloud))

    def submit(self, count: int, *, pace: bool = True) -> None:
        """Ask for so many snapshots from ten threads; returns when all are acknowledged."""
        clicks: queue.Queue[tuple[str, Volume] | None] = queue.Queue(maxsize=THREADS)
        threads = [
            threading.Thread(target=self._click, args=(clicks,), daemon=True)
            for _ in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for number in range(count):
            if pace and number % 20 == 0:
                self._wait_for_room()
            intent = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            volume = self._random.choice(self._volumes)
            for _ in range(self._random.choice((1, 1, 2, 3))):
                clicks.put((intent, volume))
        for _ in threads:
            clicks.put(None)
        for thread in threads:
            thread.join()

    def cancel(self) -> None:
        """Take one back that is about to be sent: told so or not, it must be true."""
        now = timezone.now()
        waiting = self.person.operations.filter(state=OperationState.QUEUED, due_at__lte=now)
        first = list(waiting.order_by("due_at")[:10])
        if first:
            operation = self._random_cancel.choice(first)
            if cancel_operation(operation=operation, person=self.person):
                self.cancelled.add(str(operation.pk))

    def ask_again(self) -> int:
        """One round: whatever ended with nothing made is asked again. How many were."""
        ended = self.person.operations.filter(
            kind=OperationKind.CREATE, state__in=_AGAIN, asked_again__isnull=True
        )
        asked = 0
        for operation in ended.order_by("finished_at"):
            generation = self._generations.get(operation.pk, 0)
            if generation < MOST_AGAIN:
                try:
                    self._ask_again(operation, generation + 1)
                    asked += 1
                except NotAllowedError:
                    if operation.volume_id in self.removed_volumes:
                        self._generations[operation.pk] = MOST_AGAIN
                    elif Volume.objects.get(volume_id=operation.volume_id).takes_snapshot:
                        raise
                    # Else a rollback has it, or has failed: the next round asks again.
        self.again += asked
        return asked

    def _ask_again(self, operation: Operation, generation: int) -> None:
        made, _ = patiently(
            lambda: ask_again(operation=operation, person=self.person, key=uuid.uuid4())
        )
        self._generations[made.pk] = generation
        self.note(f"again for {operation.pk}", made)

    def _wait_for_room(self) -> None:
        while Operation.objects.filter(state__in=OPEN).count() > self.most_open:
            time.sleep(0.05)

    def _click(self, clicks: "queue.Queue[tuple[str, Volume] | None]") -> None:
        while (click := clicks.get()) is not None:
            try:
                self._submit(*click)
            except NotAllowedError as error:
                if click[1].volume_id not in self.removed_volumes:
                    self.trouble.append(f"submit: {error.refusal}")
            except Exception as error:  # noqa: BLE001 - told in the end; the run goes on
                self.trouble.append(f"submit: {type(error).__name__}: {error}")
        connection.close()

    def _submit(self, intent: str, volume: Volume) -> None:
        wanted = OperationArguments(volume=volume, name="fault run", metadata={INTENT: intent})
        operation, _ = patiently(
            lambda: ask_for_operation(
                requester=self.person, key=uuid.UUID(intent), arguments=wanted
            )
        )
        self.note(intent, operation)

    def note(self, intent: str, operation: Operation) -> None:
        """What the person was told for one submit of a form."""
        with self._lock:
            self.submits += 1
            self.acknowledged.setdefault(intent, set()).add(str(operation.pk))


def patiently(act: Callable[[], tuple[Operation, bool]]) -> tuple[Operation, bool]:
    """A person whose page failed clicks again, with the same key."""
    for _ in range(5):
        try:
            return act()
        except DatabaseError:
            connection.close()
            time.sleep(0.5)
    return act()
