"""How ids of the cloud are written in addresses, and the addresses that people may have kept."""

import uuid
from typing import Any

from django.http import HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from snapshots.models import Snapshot, watched_snapshot
from snapshots.rights.visible import operations_visible_to
from snapshots.views.access import PortalRequest, with_a_role


class CloudText:
    """A path converter for a name or an id that a cloud chose: any text but NUL.

    A slash would end the text, and browsers resolve a text of dots.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Raises `ValueError`, which means 404."""
        if "\0" in value:
            raise ValueError("No name holds a NUL.")
        return value.replace("~2F", "/").replace("~2E", ".").replace("~7E", "~")

    def to_url(self, value: str) -> str:
        value = value.replace("~", "~7E").replace("/", "~2F")
        return value if value.strip(".") else value.replace(".", "~2E")


def address_of(snapshot: Snapshot, name: str = "snapshot", *more: str) -> str:
    """The page of a snapshot, or another page of it."""
    return reverse(f"snapshots:{name}", args=[snapshot.cloud, snapshot.snapshot_id, *more])


@with_a_role
def old_request(
    request: PortalRequest, operation_id: uuid.UUID, page: str
) -> HttpResponsePermanentRedirect:
    """Requests had their pages below `/snapshots/`. A form that is sent there is sent on."""
    return _moved(request, reverse(f"snapshots:{page}", args=[operation_id]))


@with_a_role
def old_rows(request: PortalRequest) -> HttpResponsePermanentRedirect:
    return _moved(request, reverse("snapshots:rows"))


@with_a_role
def old_change(
    request: PortalRequest, operation_id: uuid.UUID, kind: str
) -> HttpResponsePermanentRedirect:
    """A change was asked for at the request that made the snapshot."""
    operation = get_object_or_404(operations_visible_to(request.user), pk=operation_id)
    snapshot = watched_snapshot(operation)
    if snapshot is None:
        return _moved(request, reverse("snapshots:detail", args=[operation_id]))
    return _moved(request, address_of(snapshot, "change", kind))


def _moved(request: PortalRequest, address: str) -> HttpResponsePermanentRedirect:
    query = request.GET.urlencode()
    options: dict[str, Any] = {"preserve_request": True}
    return HttpResponsePermanentRedirect(f"{address}?{query}" if query else address, **options)
