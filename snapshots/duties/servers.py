"""Reads the names of the servers that volumes are attached to: from the compute service where the
account may, else from a file. Names are a help: without them pages show ids, and nothing waits.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from snapshots import clouds
from snapshots.clouds.clients import client_for_portal
from snapshots.clouds.health import cloud_failed
from snapshots.database.transactions import in_transaction
from snapshots.duties.snapshots import pause_after_reading
from snapshots.evs.client import EvsClient
from snapshots.evs.errors import AuthFailed, EvsError, Forbidden, NoSuchApi, NotFound
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudServer
from snapshots.jobs.claims import hold
from snapshots.jobs.duties import end_duty
from snapshots.mirror import (
    STORED_AT_ONCE,
    ServerNames,
    changes_of_servers,
    drop_servers,
    misnamed_volumes,
    name_servers_of,
    store_servers,
)
from snapshots.models import Duty, Purpose
from snapshots.operations.server_files import given_names

log = logging.getLogger(__name__)

RowT = TypeVar("RowT")
# The account may not, or the cloud has no compute service that the portal is led to.
MAY_NOT = (Forbidden, NotFound, NoSuchApi, AuthFailed)
ASKED_AGAIN_AFTER = timedelta(hours=1)
UNREADABLE_ROWS = "unreadable_rows"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the compute service told; None: nothing. `code` and `trouble` say why."""

    listed: Listed[CloudServer] | None
    code: str = ""
    trouble: str = ""
    may_not: bool = False


def sync_servers(duty: Duty) -> None:
    """Read the names once, and plan the next reading."""
    client = client_for_portal(duty.cloud, Purpose.SERVERS)
    given = given_names(duty.cloud)
    asked_at = timezone.now()
    reading = _read(duty.cloud, client)
    _store(duty, ServerNames(listed=reading.listed, given=given.names), asked_at)
    trouble_code = _joined(reading.code, given.trouble_code)[:80]
    if trouble_code and trouble_code != duty.trouble_code:
        trouble = _joined(reading.trouble, given.trouble)
        log.warning("Names of the servers of %s: %s", duty.cloud, trouble)
    calls_per_second = clouds.config_of(duty.cloud).calls_per_second
    pause = pause_after_reading(
        client.requests, calls_per_second, seconds=settings.EVSPORTAL_SERVERS_SECONDS
    )
    if reading.may_not:
        pause = max(pause, ASKED_AGAIN_AFTER)
    has_failed = reading.listed is None and not reading.may_not
    fails = duty.fails + 1 if has_failed else 0
    end_duty(duty, due_at=timezone.now() + pause, fails=fails, trouble_code=trouble_code)


def _read(cloud: str, client: EvsClient) -> _Reading:
    """What the compute service answers says nothing about the cloud's block storage, so it is noted
    with the duty alone. A sign-in that fails is the whole cloud's trouble.
    """
    try:
        listed = client.list_servers()
    except EvsError as error:
        if error.at_sign_in:
            cloud_failed(cloud, error)
        may_not = isinstance(error, MAY_NOT) and not error.at_sign_in
        return _Reading(None, type(error).__name__, str(error), may_not)
    code = "" if listed.is_whole else UNREADABLE_ROWS
    return _Reading(listed, code, listed.trouble)


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _store(duty: Duty, names: ServerNames, asked_at: datetime) -> None:
    changes = changes_of_servers(duty.cloud, names, now=asked_at)
    _in_short_transactions(duty, changes.changed, store_servers)
    _in_short_transactions(duty, changes.dropped, drop_servers)
    _in_short_transactions(duty, misnamed_volumes(duty.cloud), partial(name_servers_of, duty.cloud))


def _in_short_transactions(
    duty: Duty, rows: Sequence[RowT], write: Callable[[Sequence[RowT]], None]
) -> None:
    """Raises `LostClaimError`."""
    for first in range(0, len(rows), STORED_AT_ONCE):
        some = rows[first : first + STORED_AT_ONCE]

        def store(some: Sequence[RowT] = some) -> None:
            hold(duty)
            write(some)

        in_transaction(store)
