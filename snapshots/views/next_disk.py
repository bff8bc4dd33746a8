"""After a request of the helpdesk: the next disk of the same ticket."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse

from snapshots.models import Operation, OperationKind, Volume
from snapshots.rights.policy import Right, may
from snapshots.rights.visible import volumes_usable_by
from snapshots.selectors.picker import next_volumes

_SAME = ("ticket", "on_behalf_of", "reason")


@dataclass(frozen=True, slots=True)
class NextDisk:
    """The form with the same ticket, and the volumes that are probably next."""

    address: str
    volumes: list[Volume]


def next_disk(operation: Operation, person: User) -> NextDisk | None:
    """None: the request was for nobody else, or the person asks for nobody else."""
    texts = {name: str(getattr(operation, name)) for name in _SAME}
    is_create = operation.kind == OperationKind.CREATE
    if not (is_create and any(texts.values()) and may(person, Right.REQUEST_FOR_OTHERS)):
        return None
    volumes = next_volumes(volumes_usable_by(person), operation)
    return NextDisk(f"{reverse('snapshots:new')}?{urlencode(texts)}", volumes)
