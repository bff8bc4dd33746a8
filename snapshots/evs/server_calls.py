"""The call about servers, which the compute service answers."""

from collections.abc import Callable
from dataclasses import replace

from snapshots.evs.calls import Call, CallingClient
from snapshots.evs.dialects import COMPUTE, Paging
from snapshots.evs.errors import BadRequest, NotFound
from snapshots.evs.paging import Listed, Page, Position, RowT, listed, tolerantly
from snapshots.evs.types import CloudServer, server_from

# Advised by ECS (en-us_topic_0020212689), whose rows are long; above 1000 it answers 403.
SERVERS_A_PAGE = 100


class ServerCalls(CallingClient):
    """The part of `EvsClient` that is about servers."""

    def list_servers(self, *, limit: int = SERVERS_A_PAGE) -> Listed[CloudServer]:
        """All readable servers of the project, `limit` (1..1000) a page (en-us_topic_0020212689).

        NoEndpoint where neither catalog nor settings lead to a compute service. Forbidden where the
        account may not, which says nothing about its volumes.
        """
        call = Call(purpose="servers", path="/servers/detail", api=COMPUTE)
        listing = self._list(
            call, key="servers", read_row=tolerantly(server_from), paging=Paging.MARKER
        )
        listing = replace(listing, fetch=_with_lost_markers(listing.fetch))
        return listed(listing.read_all(limit=limit))


def _with_lost_markers(fetch: Callable[[Position], Page[RowT]]) -> Callable[[Position], Page[RowT]]:
    """Nova answers 400 where the marker was deleted (`MarkerNotFound`), and Cinder 404."""

    def fetch_page(position: Position) -> Page[RowT]:
        try:
            return fetch(position)
        except BadRequest as error:
            if "marker" not in dict(position):
                raise
            raise NotFound(
                error.message, status=error.status, code=error.code, request_id=error.request_id
            ) from error

    return fetch_page
