"""People who change what is there: rename, change metadata, delete, roll back, restore."""

import random
import uuid
from contextlib import suppress

from django.db.models import Q

from snapshots.models import Operation, OperationKind, OperationState, Snapshot, Volume
from snapshots.operations.asking import OperationArguments, ask_after, ask_for_operation
from snapshots.operations.refusals import NotAllowedError
from tests.faults.facts import INTENT, TOUCH
from tests.faults.people import People, patiently

_IN_ANY_CLOUD = {OperationKind.RENAME: 3, OperationKind.METADATA: 3, OperationKind.DELETE: 3}
_IN_OUR_CLOUD = _IN_ANY_CLOUD | {OperationKind.ROLLBACK: 2, OperationKind.RESTORE: 1}
_AFTER_A_FRESH_SNAPSHOT = 0.3  # of the rollbacks


class Changes:
    """Asks for a change when it is told to. Where the cloud is not ours alone, nothing is restored
    or rolled back.
    """

    def __init__(self, people: People, seed: int, *, is_our_cloud: bool) -> None:
        self._people = people
        self._random = random.Random(f"{seed}/change")
        kinds = _IN_OUR_CLOUD if is_our_cloud else _IN_ANY_CLOUD
        self._kinds, self._weights = list(kinds), list(kinds.values())
        self.asked = 0

    def ask(self) -> None:
        """For one snapshot that is there and at rest; sometimes for two at once."""
        made_or_found = Q(operation__state=OperationState.SUCCEEDED) | Q(operation=None)
        rows = Snapshot.objects.present().filter(made_or_found, status="available")
        first = list(rows.order_by("-listed_at")[:200])
        if not first:
            return
        snapshot = self._random.choice(first)
        kind = self._random.choices(self._kinds, self._weights)[0]
        volume = Volume.objects.filter(
            cloud=snapshot.cloud, volume_id=snapshot.volume_id, gone_at=None
        ).first()
        if volume is not None:
            for _ in range(self._random.choice((1, 1, 1, 2))):
                self._ask(self._arguments(kind, snapshot, volume))

    def _arguments(
        self, kind: OperationKind, snapshot: Snapshot, volume: Volume
    ) -> OperationArguments:
        word = str(self._random.getrandbits(40))
        content = {
            OperationKind.RENAME: {"name": f"renamed {word}", "description": word},
            OperationKind.METADATA: {"metadata": {TOUCH: word}},
            OperationKind.RESTORE: {"name": f"restored {word}", "size_gb": snapshot.size_gb},
        }.get(kind, {})
        return OperationArguments(kind=kind, volume=volume, target_snapshot=snapshot, **content)

    def _ask(self, arguments: OperationArguments) -> None:
        key = uuid.UUID(int=self._random.getrandbits(128), version=4)
        first = None
        if arguments.kind is OperationKind.ROLLBACK:
            fresh = OperationArguments(
                volume=arguments.volume, name="before", metadata={INTENT: f"before {key}"}
            )
            first = fresh if self._random.random() < _AFTER_A_FRESH_SNAPSHOT else None

        def submit() -> tuple[Operation, bool]:
            asked = {"requester": self._people.person, "key": key, "arguments": arguments}
            return ask_after(**asked, first=first) if first else ask_for_operation(**asked)

        for _ in range(self._random.choice((1, 2))):
            with suppress(NotAllowedError):  # it is gone by now
                made, is_new = patiently(submit)
                self.asked += is_new
                self._people.note(str(key), made)
