"""What surrounds requests: rules, matches, quotas by day, tallies, sessions, preferences."""

import hashlib
from bisect import bisect_left
from collections import Counter
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Count, Model, Sum
from django.utils import timezone

from snapshots.clouds import SANDBOX
from snapshots.management.invented import texts
from snapshots.management.invented.world import DAYS, World
from snapshots.models import (
    FINAL,
    Answer,
    ExchangeTally,
    OpenSession,
    Operation,
    OperationTally,
    Preferences,
    Quota,
    QuotaDay,
    VolumeGrant,
)
from snapshots.rights.matches import match_everything
from snapshots.tallies import BOUNDS_MS

_QUOTAS = {"snapshots": 5000, "gigabytes": 400_000}
_ZONES = ("", "Europe/Istanbul", "Asia/Shanghai", "America/Sao_Paulo")


def surround(world: World) -> Counter[str]:
    """Returns how many rows of each table it made. What is there already is left as it is."""
    now = timezone.now()
    with transaction.atomic():
        made = [
            _rules(world),
            _quota_days(world),
            _quotas(now),
            *_tallies(),
            *_sessions(world, now),
            _preferences(world),
        ]
    match_everything(SANDBOX)
    return Counter({name: rows for name, rows in made if rows})


def _store(model: type[Model], rows: list[Model]) -> tuple[str, int]:
    model._default_manager.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
    return str(model._meta.model_name), len(rows)


def _rules(world: World) -> tuple[str, int]:
    """A rule for each system; those of one person each."""
    people = world.staff
    rules: list[Model] = [
        VolumeGrant(
            cloud=SANDBOX,
            scope="rule",
            volume_id=None,
            name_pattern=f"{system}-*",
            user_id=people[number % len(people)].pk,
        )
        for number, system in enumerate(texts.SYSTEMS)
    ]
    return _store(VolumeGrant, rules)


def _quota_days(world: World) -> tuple[str, int]:
    rows: list[Model] = [
        QuotaDay(
            cloud=SANDBOX,
            resource=resource,
            day=world.day(number).date(),
            limit=limit,
            used=limit * number // (DAYS + 100),
        )
        for number in range(DAYS)
        for resource, limit in _QUOTAS.items()
    ]
    return _store(QuotaDay, rows)


def _quotas(now: datetime) -> tuple[str, int]:
    rows: list[Model] = [
        Quota(cloud=SANDBOX, resource=resource, limit=limit, in_use=limit // 2, seen_at=now)
        for resource, limit in _QUOTAS.items()
    ]
    return _store(Quota, rows)


def _tallies() -> list[tuple[str, int]]:
    """As the portal would have counted what was loaded, had each answer taken the mean time."""
    answers = Answer.objects.values_list("exchange__cloud", "status", "error")
    counted = answers.annotate(rows=Count("seq"), spent=Sum("elapsed_ms")).order_by()
    exchanges: Counter[tuple[str, str]] = Counter()
    spent: Counter[tuple[str, str]] = Counter()
    for cloud, status, error, rows, milliseconds in counted:
        key = (cloud, error or str(status))
        exchanges[key] += rows
        spent[key] += milliseconds
    of_exchanges: list[Model] = [
        ExchangeTally(
            cloud=cloud,
            code=code,
            bucket=bisect_left(BOUNDS_MS, spent[cloud, code] / rows),
            count=rows,
            milliseconds=spent[cloud, code],
        )
        for (cloud, code), rows in exchanges.items()
    ]
    ended = Operation.objects.filter(state__in=sorted(FINAL)).order_by()
    of_operations: list[Model] = [
        OperationTally(kind=kind, state=state, count=rows)
        for kind, state, rows in ended.values_list("kind", "state").annotate(rows=Count("pk"))
    ]
    return [_store(ExchangeTally, of_exchanges), _store(OperationTally, of_operations)]


def _sessions(world: World, now: datetime) -> list[tuple[str, int]]:
    """Everybody is signed in, twice."""
    keys = {
        hashlib.sha256(f"{person.name} {number}".encode()).hexdigest()[:40]: person.pk
        for person in [*world.staff, *world.desk]
        for number in range(2)
    }
    sessions: list[Model] = [
        Session(session_key=key, session_data="", expire_date=now + timedelta(hours=10))
        for key in keys
    ]
    opened: list[Model] = [
        OpenSession(
            session_id=key,
            person_id=person,
            device="Firefox on Linux",
            address="10.1.2.3",
            signed_in_at=now - timedelta(hours=1),
            used_at=now,
        )
        for key, person in keys.items()
    ]
    return [_store(Session, sessions), _store(OpenSession, opened)]


def _preferences(world: World) -> tuple[str, int]:
    rows: list[Model] = [
        Preferences(user_id=person.pk, zone=_ZONES[number % len(_ZONES)])
        for number, person in enumerate(world.staff)
    ]
    return _store(Preferences, rows)
