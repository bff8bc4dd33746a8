"""Keeps the table of what grants by rule cover, with each change of a grant and of a volume.

A match is written in the transaction that changes the grant or the volume. Both take the rows of
the duties that read the volumes of the cloud first: a rule that is given while volumes are read
neither misses a new volume nor is missed by it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.jobs.duties import INVENTORY, LOOK
from snapshots.models import CloudHealth, Duty, GrantMatch, GrantScope, Volume, VolumeGrant
from snapshots.rights.rules import FACTS, Rule, VolumeFacts, facts_of

_AT_ONCE = 500
_EVERY = timedelta(days=1)
# The grants by rule that were saved within `matching_together`.
_saved: ContextVar[list[VolumeGrant] | None] = ContextVar("_saved", default=None)


def watch() -> None:
    """Connect what follows from saving and deleting single rows. Twice does no harm."""
    for signal, receiver, sender in (
        (post_save, _grant_saved, VolumeGrant),
        (pre_delete, _grant_removed, VolumeGrant),
        (post_save, _volume_saved, Volume),
    ):
        signal.connect(receiver, sender=sender, dispatch_uid=f"{__name__}.{receiver.__name__}")


def _grant_saved(instance: VolumeGrant, *, raw: bool = False, **_kwargs: Any) -> None:
    if raw or instance.scope != GrantScope.RULE:
        return
    saved = _saved.get()
    if saved is None:
        match_grants([instance])
    else:
        saved.append(instance)


def _grant_removed(instance: VolumeGrant, **_kwargs: Any) -> None:
    """Its matches go with it; until the transaction ends, no reading writes another."""
    if instance.scope == GrantScope.RULE:
        in_transaction(lambda: _hold_readings(instance.cloud))


def _volume_saved(instance: Volume, *, raw: bool = False, **_kwargs: Any) -> None:
    if not raw:
        match_volumes(instance.cloud, [instance.volume_id])


@contextmanager
def matching_together() -> Iterator[None]:
    """Match the grants that are saved within in one pass at its end. In the transaction that saves
    them, and not inside another of these.
    """
    saved: list[VolumeGrant] = []
    before = _saved.set(saved)
    try:
        yield
    finally:
        _saved.reset(before)
    match_grants(saved)


def match_grants(grants: Iterable[VolumeGrant]) -> None:
    """Write which volumes these grants by rule cover. The volumes of a cloud are read once."""
    grants = list(grants)

    def match() -> None:
        for cloud in sorted({grant.cloud for grant in grants}):
            _hold_readings(cloud)
            volumes = facts_of(Volume.objects.filter(cloud=cloud))
            for grant in grants:
                if grant.cloud == cloud:
                    _match(grant, volumes)

    in_transaction(match)


def match_everything(cloud: str) -> None:
    """Write what all grants by rule of a cloud cover. Mends what was changed beside the portal."""

    def match() -> None:
        _hold_readings(cloud)
        match_grants(_rules(cloud))
        now = timezone.now()
        CloudHealth.objects.update_or_create(cloud=cloud, defaults={"matched_at": now})

    in_transaction(match)


def match_everything_soon(clouds: Iterable[str]) -> None:
    """Let the next reading of these clouds match everything."""
    CloudHealth.objects.filter(cloud__in=list(clouds)).update(matched_at=None)


def is_everything_matched(cloud: str) -> bool:
    """Whether everything was matched within the last day."""
    since = timezone.now() - _EVERY
    return CloudHealth.objects.filter(cloud=cloud, matched_at__gt=since).exists()


def _match(grant: VolumeGrant, volumes: Iterable[tuple[int, VolumeFacts]]) -> None:
    rule = Rule.of(grant)
    pairs = {(key, grant.pk) for key, facts in volumes if rule.covers(facts)}
    _write(GrantMatch.objects.filter(grant=grant), pairs)


def volumes_of_rule(grant: VolumeGrant) -> list[Volume]:
    """The volumes that a rule covers, those that are gone from the cloud too; by name. The grant
    need not be stored.
    """
    rule = Rule.of(grant)
    volumes = Volume.objects.filter(cloud=grant.cloud).defer("folded")
    return [row for row in volumes.iterator(2000) if rule.covers(VolumeFacts.of(row))]


def facts_before(cloud: str, stored: QuerySet[Volume]) -> Mapping[str, list[object]]:
    """What rules ask of these stored volumes of a cloud, by the volumes' ids; nothing where there
    is no rule.
    """
    if not _rules(cloud).exists():
        return {}
    rows = stored.values_list("volume_id", *FACTS)
    return {volume_id: facts for volume_id, *facts in rows}


def match_changed(
    cloud: str, volumes: Iterable[Volume], before: Mapping[str, list[object]]
) -> None:
    """Match these volumes again, as far as they are others than `facts_before` said."""
    changed = [
        volume.volume_id
        for volume in volumes
        if before.get(volume.volume_id) != [getattr(volume, name) for name in FACTS]
    ]
    match_volumes(cloud, changed)


def match_volumes(cloud: str, volume_ids: list[str]) -> None:
    """Write which grants by rule cover these volumes."""
    if not volume_ids or not _rules(cloud).exists():
        return

    def match() -> None:
        rules = [(grant.pk, Rule.of(grant)) for grant in _rules(cloud)]
        for start in range(0, len(volume_ids), _AT_ONCE):
            ids = volume_ids[start : start + _AT_ONCE]
            volumes = Volume.objects.filter(cloud=cloud, volume_id__in=ids).defer("folded")
            pairs = {
                (volume.pk, key)
                for volume in volumes
                for facts in [VolumeFacts.of(volume)]
                for key, rule in rules
                if rule.covers(facts)
            }
            _write(GrantMatch.objects.filter(volume__in=[row.pk for row in volumes]), pairs)

    in_transaction(match)


def _rules(cloud: str) -> QuerySet[VolumeGrant]:
    """Ended ones too: their end may be put off."""
    return VolumeGrant.objects.filter(cloud=cloud, scope=GrantScope.RULE)


def _write(stored: QuerySet[GrantMatch], pairs: set[tuple[int, int]]) -> None:
    """Make the stored matches these pairs of a volume and a grant."""
    before = {(row.volume_id, row.grant_id): row.pk for row in stored}
    gone = sorted(key for pair, key in before.items() if pair not in pairs)
    for start in range(0, len(gone), _AT_ONCE):
        GrantMatch.objects.filter(pk__in=gone[start : start + _AT_ONCE]).delete()
    GrantMatch.objects.bulk_create(
        [
            GrantMatch(volume_id=volume, grant_id=grant)
            for volume, grant in sorted(pairs - set(before))
        ],
        batch_size=_AT_ONCE,
        ignore_conflicts=True,
    )


def _hold_readings(cloud: str) -> None:
    """Let no worker store volumes of the cloud until the transaction ends: each holds its duty."""
    lock_rows(Duty.objects.filter(cloud=cloud, kind__in=(INVENTORY, LOOK)))
