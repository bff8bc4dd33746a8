"""What leaves the portal and what comes back: exchanges and answers."""

import hashlib
import json
from datetime import datetime, timedelta

from snapshots.clouds import SANDBOX
from snapshots.management.invented import texts
from snapshots.management.invented.asked import Asked
from snapshots.management.invented.rows import Rows, Values
from snapshots.management.invented.texts import End
from snapshots.management.invented.world import World, hyphened
from snapshots.models import MARKER, Exchange, Purpose, TargetKind

_HOST = "http://127.0.0.1:8009"
_SNAPSHOTS = f"{_HOST}/v2/0a1b2c/snapshots"
_VOLUMES = f"{_HOST}/v2/0a1b2c/volumes"
_READINGS = (
    *[(Purpose.WATCH, f"{_SNAPSHOTS}/detail?limit=500")] * 6,
    *[(Purpose.INVENTORY, f"{_VOLUMES}/detail?limit=500")] * 3,
    (Purpose.QUOTA, f"{_HOST}/v2/0a1b2c/os-quota-sets/0a1b2c?usage=True"),
    (Purpose.PING, f"{_HOST}/v2/0a1b2c/limits"),
)
_SENT = json.dumps({"Content-Type": "application/json", "X-Auth-Token": "sha256:1234567890ab"})
_CAME = json.dumps({"Content-Type": "application/json", "X-Request-Id": "req-1"})


class Traffic:
    """Of one day."""

    def __init__(self, world: World, rows: Rows) -> None:
        self._world, self._chance, self._rows = world, world.chance, rows

    def read(self, at: datetime) -> None:
        """A reading that nobody clicked for."""
        purpose, url = self._chance.rng.choice(_READINGS)
        end = self._chance.end() if self._chance.happens(0.05) else texts.GOOD
        end = texts.GOOD if end.status == 202 else end
        sent = self._exchange(at, purpose=purpose, background=True, actor_name="portal", url=url)
        self._answer(sent, end, self._world.listing if end is texts.GOOD else "")

    def create(self, asked: Asked, at: datetime, end: End) -> None:
        snapshot = {"volume_id": asked.disk.id, "name": asked.name, "force": asked.force}
        snapshot |= {"description": asked.description, "metadata": {MARKER: hyphened(asked.id)}}
        body = json.dumps({"snapshot": snapshot}, ensure_ascii=False)
        sent = self._exchange_for(asked, at, Purpose.CREATE, url=_SNAPSHOTS, body=body)
        snapshot |= {"id": hyphened(self._chance.uuid()), "status": "creating", "size": 40}
        answered = json.dumps({"snapshot": snapshot}, ensure_ascii=False)
        self._answer(sent, end, texts.HUGE if asked.is_huge else answered, hostile=asked.hostile)

    def look(self, asked: Asked, at: datetime) -> None:
        """For the mark of an operation whose end nobody knows."""
        url = f"{_SNAPSHOTS}/detail?volume_id={asked.disk.id}"
        sent = self._exchange_for(asked, at, Purpose.SETTLE, url=url)
        self._answer(sent, texts.GOOD, self._world.listing)

    def _exchange_for(
        self, asked: Asked, at: datetime, purpose: Purpose, *, url: str, body: str = ""
    ) -> Values:
        return self._exchange(
            at,
            purpose=purpose,
            background=False,
            actor_id=asked.person.pk,
            actor_name=asked.person.name,
            on_behalf_of=asked.on_behalf_of,
            ticket=asked.ticket,
            operation_id=asked.id,
            cause=asked.cause,
            cloud=asked.cloud,
            target_kind=str(TargetKind.VOLUME),
            target_id=asked.disk.id,
            target_name=asked.volume_name,
            method="POST" if body else "GET",
            url=url,
            **_body(body),
        )

    def _exchange(self, at: datetime, *, purpose: Purpose, **values: object) -> Values:
        facts: Values = {"cloud": SANDBOX, "method": "GET", "headers": _SENT, "sandbox": True}
        facts |= {"at": at, "id": self._chance.uuid(), "purpose": str(purpose)}
        return self._rows.add(Exchange, **facts | values)

    def _answer(self, sent: Values, end: End, body: str, *, hostile: str = "") -> None:
        if end == End(None):
            return
        took = 30_000 if end.error else int(self._chance.rng.expovariate(1 / 120)) + 15
        facts: Values = {"at": sent["at"] + timedelta(milliseconds=took), "elapsed_ms": took}
        if end.status is None:
            text = hostile or texts.WORDS_OF[end.error]
            self._rows.answer(sent, **facts, error=end.error, error_text=text)
            return
        if end.status >= 400:
            message = hostile or texts.WORDS_OF[end.status]
            body = json.dumps({"error": {"code": end.code, "message": message}})
        request_id = f"req-{self._chance.rng.getrandbits(64):016x}"
        facts |= {"status": end.status, "headers": _CAME, "request_id": request_id}
        self._rows.answer(sent, **facts, code=end.code, **_body(body))


def _body(text: str) -> Values:
    if not text:
        return {}
    raw = text.encode()
    return {"body": text, "body_bytes": len(raw), "body_sha256": hashlib.sha256(raw).hexdigest()}
