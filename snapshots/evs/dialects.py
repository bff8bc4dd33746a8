"""The API's dialects: paths, paging and filters. Data only.

The native v2 dialect is the most portable (docs/evs-api.md); v3 has the same bodies, the vendor's
dialect has other paths and pages by offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Paging(Enum):
    """How the next page of a list is asked for: after the last id, or after a number of rows."""

    MARKER = "marker"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Paths follow `/{version}/{project_id}`; `{id}` and `{project_id}` are filled in.

    None as a path: the dialect has no such call. `service_types` are searched in a token's catalog
    in this order.
    """

    name: str
    version: str
    paging: Paging
    snapshot_filters: frozenset[str]
    service_types: tuple[str, ...]
    create: str = "/snapshots"
    show: str = "/snapshots/{id}"
    list: str = "/snapshots/detail"
    volumes: str = "/volumes/detail"
    volume: str = "/volumes/{id}"
    quota: str = "/os-quota-sets/{project_id}"  # needs the query usage=True
    update: str = "/snapshots/{id}"
    delete: str = "/snapshots/{id}"
    # Known, not called yet: pages A-2099, A-2022.
    metadata: str | None = "/snapshots/{id}/metadata"
    rollback: str = "/os-vendor-snapshots/{id}/rollback"


_V2_SERVICES = ("volumev2", "evs", "volume", "block-storage", "block-store")
_V3_SERVICES = ("volumev3", "block-storage", "block-store", "evs", "volume")

# Pages A-2093 to A-2098.
NATIVE_V2 = Dialect(
    name="native-v2",
    version="v2",
    paging=Paging.MARKER,
    snapshot_filters=frozenset({"marker", "limit", "name", "status", "volume_id"}),
    service_types=_V2_SERVICES,
)
# Pages evs_04_3056 to 3061.
NATIVE_V3 = Dialect(
    name="native-v3",
    version="v3",
    paging=Paging.MARKER,
    snapshot_filters=NATIVE_V2.snapshot_filters,
    service_types=_V3_SERVICES,
)
# Pages A-2016 to A-2021 for snapshots, A-2005 and A-2006 for volumes.
VENDOR = Dialect(
    name="vendor-v2",
    version="v2",
    paging=Paging.OFFSET,
    snapshot_filters=frozenset({"offset", "limit", "id", "name", "status", "volume_id"}),
    service_types=_V2_SERVICES,
    create="/cloudsnapshots",
    show="/cloudsnapshots/{id}",
    list="/cloudsnapshots/detail",
    volumes="/cloudvolumes/detail",
    volume="/cloudvolumes/{id}",
    update="/cloudsnapshots/{id}",
    delete="/cloudsnapshots/{id}",
    metadata=None,
    rollback="/cloudsnapshots/{id}/rollback",
)

DEFAULT_DIALECT = NATIVE_V2.name
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (NATIVE_V2, NATIVE_V3, VENDOR)}
)
