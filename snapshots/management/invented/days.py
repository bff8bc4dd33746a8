"""One day: people sign in and ask, the portal sends and watches."""

import json
from datetime import datetime, timedelta

from snapshots.management.invented import texts
from snapshots.management.invented.asked import Asked, answers_of, ask
from snapshots.management.invented.rows import Rows
from snapshots.management.invented.texts import End
from snapshots.management.invented.traffic import Traffic
from snapshots.management.invented.world import Person, World, hyphened
from snapshots.models import (
    Action,
    ActionCode,
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    Operation,
    OperationState,
    TargetKind,
)

MOST_OF_ONE = 12  # exchanges that one operation may need: three tries and nine looks
_DAY = timedelta(hours=23.9)


class Day:
    """What happens on it, added to rows."""

    def __init__(self, world: World, number: int, rows: Rows) -> None:
        self._world, self._chance = world, world.chance
        self._number, self._begins = number, world.day(number)
        self._rows, self._traffic = rows, Traffic(world, rows)

    def live(self, *, upto: int, most: int) -> None:
        """Until there are so many exchanges, half of them nobody's; a few more if `most` allows."""
        while self._rows.exchanges < upto:
            if self._chance.happens(1 / 80):
                self._session()
            if self._chance.happens(0.5) and self._rows.exchanges + MOST_OF_ONE <= most:
                self._operation()
            else:
                seconds = self._chance.rng.random() * 86_400
                self._traffic.read(self._begins + timedelta(seconds=seconds))

    # --- people ------------------------------------------------------------------------------

    def _moment(self) -> datetime:
        """Mostly in the middle of the day."""
        by_day = self._chance.happens(0.97)
        hour = self._chance.rng.gauss(13, 2.5) if by_day else self._chance.rng.random() * 24
        return self._begins + min(timedelta(hours=max(hour, 0)), _DAY)

    def _session(self) -> None:
        person, at = self._chance.rng.choice(self._world.staff + self._world.desk), self._moment()
        if self._chance.happens(0.04):
            self._rows.add(
                Action,
                **self._stranger(ActionCode.SIGN_IN_REFUSED, at),
                actor_name="nobody",
                subject=person.name,
                details=json.dumps({"why": "wrong password"}),
            )
            return
        self._act(ActionCode.SIGNED_IN, person, at)
        if self._chance.happens(0.6):
            later = min(at + timedelta(hours=1), self._begins + _DAY)
            self._act(ActionCode.SIGNED_OUT, person, later)

    def _stranger(self, code: ActionCode, at: datetime) -> dict[str, object]:
        ids = {"id": self._chance.uuid(), "cause": self._chance.uuid()}
        return {**ids, "code": str(code), "at": at, "address": f"10.1.2.{at.minute}"}

    def _act(self, code: ActionCode, person: Person, at: datetime, **values: object) -> None:
        facts = {"actor_id": person.pk, "actor_name": person.name, "actor_roles": person.role}
        facts |= {"subject": person.name, **self._stranger(code, at)}
        self._rows.add(Action, **facts | values)

    def _act_on(self, asked: Asked, code: ActionCode, **values: object) -> None:
        self._act(
            code,
            asked.person,
            asked.at,
            subject=asked.hostile or hyphened(asked.id),
            operation_id=asked.id,
            on_behalf_of=asked.on_behalf_of,
            ticket=asked.ticket,
            cloud=asked.cloud,
            target_kind=str(TargetKind.VOLUME),
            target_id=asked.disk.id,
            target_name=asked.volume_name,
            **values,
        )

    # --- operations --------------------------------------------------------------------------

    def _operation(self) -> None:
        asked = ask(self._world, self._moment())
        if self._number < texts.OLD_DAYS and self._chance.happens(0.5):
            asked.cloud = texts.OLD_CLOUD
        details = json.dumps({"name": asked.name, "description": asked.description})
        self._act_on(asked, ActionCode.OPERATION_ASKED, cause=asked.cause, details=details)
        if self._chance.happens(0.02):
            asked.state, asked.finished_at = OperationState.CANCELLED, asked.at
            self._act_on(asked, ActionCode.OPERATION_CANCELLED)
        else:
            self._send(asked)
        self._store(asked)

    def _send(self, asked: Asked) -> None:
        at = asked.sent_at = asked.at + timedelta(seconds=self._chance.rng.random() * 2)
        end = texts.RARE_END if asked.is_rare else self._chance.end()
        for _ in range(2):
            if end.status == 429:
                self._traffic.create(asked, at, end)
                at, end = at + timedelta(seconds=20), self._chance.end()
        self._traffic.create(asked, at, end)
        asked.code, asked.finished_at = end.code, at + timedelta(seconds=12)
        self._conclude(asked, at, end)

    def _conclude(self, asked: Asked, at: datetime, end: End) -> None:
        if end.status in texts.REFUSALS:
            asked.state = OperationState.REFUSED
        elif end.status != 202:
            self._settle(asked, at)
        elif self._chance.happens(0.01):
            asked.state = OperationState.FAILED

    def _settle(self, asked: Asked, at: datetime) -> None:
        """Nobody knows what the cloud did: look for the mark, again and again."""
        asked.looks = self._chance.rng.choice((2, 3, 3, 5, 9))
        for number in range(asked.looks):
            at += timedelta(seconds=5 * 2**number)
            self._traffic.look(asked, at)
        asked.finished_at = at
        if self._chance.happens(0.5):
            asked.state = OperationState.NOT_CREATED
        if self._chance.happens(0.03):
            self._find_two(asked, at)

    def _find_two(self, asked: Asked, at: datetime) -> None:
        self._rows.add(
            Anomaly,
            at=at,
            id=self._chance.uuid(),
            kind=str(AnomalyKind.SEVERAL_ALIKE),
            cloud=asked.cloud,
            operation_id=asked.id,
            message_code=str(AnomalyMessage.CANDIDATES),
            message_values=json.dumps({"names": asked.volume_name}),
        )

    def _store(self, asked: Asked) -> None:
        finished_at = asked.finished_at or asked.at
        self._rows.add(
            Operation,
            id=asked.id,
            cause=asked.cause,
            key=self._chance.uuid(),
            state=str(asked.state),
            cloud=asked.cloud,
            volume_id=asked.disk.id,
            volume_name=asked.volume_name,
            name=asked.name,
            description=asked.description[:255],
            force=asked.force,
            requester_id=asked.person.pk,
            requester_name=asked.person.name,
            on_behalf_of=asked.on_behalf_of,
            ticket=asked.ticket,
            asked_at=asked.at,
            state_at=finished_at,
            sent_at=asked.sent_at,
            finished_at=finished_at,
            looks=asked.looks,
            code=asked.code,
            token=1,
            **answers_of(asked),
        )
