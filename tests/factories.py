"""People, volumes, operations and what belongs to them, for all tests, made by plain ORM."""

import uuid
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from snapshots.models import (
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    Answer,
    CloudHealth,
    Exchange,
    Maker,
    Operation,
    OperationState,
    Purpose,
    Quota,
    Snapshot,
    Volume,
    VolumeGrant,
    Worker,
)

CLOUD = "sandbox"
PEOPLE = {
    "alice": "staff",
    "bob": "staff",
    "helen": "helpdesk",
    "helga": "helpdesk",
    "audrey": "auditor",
    "root": "administrator",
    "nobody": None,
}


def person(name: str, *, password: str | None = None) -> User:
    """A user with the role of `PEOPLE`; without a password nobody can sign in."""
    user = User.objects.create_user(name, password=password)
    if role := PEOPLE[name]:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def volume(name: str = "web-01-data", *, granted_to: User | None = None, **facts) -> Volume:
    columns = {
        "cloud": CLOUD,
        "volume_id": str(uuid.uuid4()),
        "name": name,
        "status": "available",
        "size_gb": 40,
        "volume_type": "SSD",
        "availability_zone": "tr-west-1a",
        "seen_at": timezone.now(),
    } | facts
    made = Volume.objects.create(**columns)
    if granted_to is not None:
        VolumeGrant.objects.create(cloud=made.cloud, volume_id=made.volume_id, user=granted_to)
    return made


def rule(**conditions: str) -> VolumeGrant:
    """A grant by rule, not stored, to nobody yet."""
    return VolumeGrant(cloud=CLOUD, scope="rule", volume_id=None, **conditions)


def operation(requester: User, of: Volume, *, ago_seconds: float = 60, **columns) -> Operation:
    """An operation in any state; a final one took twelve seconds."""
    asked_at = timezone.now() - timedelta(seconds=ago_seconds)
    state = OperationState(columns.get("state", "queued"))
    facts = {
        "key": uuid.uuid4(),
        "cloud": of.cloud,
        "volume_id": of.volume_id,
        "volume_name": of.name,
        "name": "before-upgrade",
        "requester": requester,
        "requester_name": requester.username,
        "asked_at": asked_at,
        "state_at": asked_at,
    }
    if state is not OperationState.QUEUED and state is not OperationState.CANCELLED:
        facts["sent_at"] = asked_at + timedelta(seconds=0.4)
    made = Operation(**facts | columns)
    if made.is_final and "finished_at" not in columns:
        made.finished_at = made.state_at = asked_at + timedelta(seconds=12)
    made.save()
    return made


def snapshot(of: Operation, **facts) -> Snapshot:
    """What an operation made."""
    columns = {
        "operation": of,
        "maker": Maker.PORTAL,
        "owner_name": of.on_behalf_of or of.requester_name,
        "ticket": of.ticket,
        "name": of.name or "",
        "created_at": of.asked_at + timedelta(seconds=1),
    }
    volume = Volume(cloud=of.cloud, volume_id=of.volume_id, name=of.volume_name)
    return foreign_snapshot(volume, **columns | facts)


def foreign_snapshot(of: Volume, **facts) -> Snapshot:
    """What somebody made in the cloud, without the portal."""
    columns = {
        "cloud": of.cloud,
        "snapshot_id": str(uuid.uuid4()),
        "volume_id": of.volume_id,
        "volume_name": of.name,
        "name": "made-in-the-console",
        "status": "available",
        "size_gb": 40,
        "created_at": timezone.now() - timedelta(days=1),
        "seen_at": timezone.now(),
    } | facts
    columns.setdefault("listed_at", columns["created_at"] or columns["seen_at"])
    return Snapshot.objects.create(**columns)


def exchange(of: Operation | None = None, *, status: int | None = 202, **columns) -> Exchange:
    """A request and its answer; `status=None`: nothing came back; -1: nothing was recorded."""
    facts = {
        "at": timezone.now(),
        "purpose": Purpose.CREATE,
        "actor": of.requester if of else None,
        "actor_name": of.requester_name if of else "portal",
        "operation": of,
        "cloud": CLOUD,
        "sandbox": True,
        "target_kind": "volume" if of else "",
        "target_id": of.volume_id if of else "",
        "target_name": of.volume_name if of else "",
        "method": "POST",
        "url": "http://127.0.0.1:8009/v2/0a1b2c/snapshots",
        "headers": {"Content-Type": "application/json", "X-Auth-Token": "sha256:1234567890ab"},
        "body": '{"snapshot": {"name": "before-upgrade", "force": false}}',
        "body_bytes": 57,
        "body_sha256": "a" * 64,
    } | columns
    made = Exchange.objects.create(**facts)
    if status != -1:
        _answer(made, status)
    return made


def _answer(exchange: Exchange, status: int | None) -> None:
    facts = {
        "status": status,
        "headers": {"Content-Type": "application/json", "X-Request-Id": "req-42"},
        "body": '{"snapshot": {"id": "5f6e", "status": "creating"}}',
        "request_id": "req-42",
    }
    if status is None:
        facts = {"error": "Timeout", "error_text": "The cloud did not answer within 30 s."}
    Answer.objects.create(exchange=exchange, at=exchange.at, elapsed_ms=87, **facts)


def healthy_portal() -> None:
    """The worker lives, the cloud answers, the quotas are known."""
    now = timezone.now()
    Worker.objects.update_or_create(name="w1", defaults={"started_at": now, "seen_at": now})
    CloudHealth.objects.update_or_create(
        cloud=CLOUD, defaults={"answered_at": now, "inventory_at": now}
    )
    for resource, limit, in_use in (("snapshots", 50, 12), ("gigabytes", 4000, 3300)):
        Quota.objects.update_or_create(
            cloud=CLOUD,
            resource=resource,
            defaults={"limit": limit, "in_use": in_use, "seen_at": now},
        )


def fill_form(of: Volume, **changes) -> dict[str, str]:
    """What a browser posts for a plain request."""
    columns = {
        "key": str(uuid.uuid4()),
        "volume_id": of.volume_id,
        "name": "before-upgrade",
        "description": "",
        "metadata-0-key": "",
        "metadata-0-value": "",
    }
    return {name: text for name, text in (columns | changes).items() if text is not None}


def ask(browser, of: Volume, **changes):
    """The form for a plain request, posted with these changes."""
    return browser.post("/snapshots/new/", fill_form(of, **changes))


def errors_at(answer, field: str) -> list[str]:
    return list(answer.context["form"].errors.get(field, []))


def rows(*pairs) -> dict[str, str]:
    """Metadata rows as a browser posts them."""
    return {
        f"metadata-{number}-{part}": text
        for number, pair in enumerate(pairs)
        for part, text in zip(("key", "value"), pair, strict=True)
    }


def anomaly(of: Operation, *, names: str) -> Anomaly:
    return Anomaly.objects.create(
        at=timezone.now(),
        kind=AnomalyKind.SEVERAL_MARKED,
        cloud=CLOUD,
        operation=of,
        message_code=AnomalyMessage.CANDIDATES,
        message_values={"names": names},
    )
