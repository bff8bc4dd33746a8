"""The API's dialects: paths, paging and filters. Data only, and who speaks which rollback. Beside
them the compute service, which is asked for the names of servers alone.

The native v2 dialect is the most portable (docs/evs-api.md); v3 has the same bodies, the vendor's
dialect has other paths and pages by offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from snapshots.evs.limits import CHARS_64_85, LimitsProfile


class RollbackCall(Enum):
    """The call that puts a snapshot's data back onto its volume, and destroys what is there.

    ROLLBACK is EVS's own (page A-2022): any snapshot of the volume, which is `available` or
    `error_rollbacking`. REVERT is a plain Cinder's (microversion 3.40): the newest snapshot only,
    onto an `available` volume.
    """

    ROLLBACK = "rollback"
    REVERT = "revert"


class Paging(Enum):
    """How the next page of a list is asked for: after the last id, or after a number of rows."""

    MARKER = "marker"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API that a token's catalog leads to. Paths follow `/{version}/{project_id}`.

    `service_types` are searched in the catalog in this order. An address that names another version
    does not count, unless `any_version`: the same host speaks ours too. `setting` gives the address
    where the catalog does not.
    """

    name: str
    version: str
    service_types: tuple[str, ...]
    title: str = "block storage"
    setting: str = "evs.endpoint"
    any_version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(Api):
    """A dialect of block storage. `{id}` and `{project_id}` in paths are filled in.

    None as a path: the dialect has no such call.
    """

    paging: Paging
    snapshot_filters: frozenset[str]
    create: str = "/snapshots"
    show: str = "/snapshots/{id}"
    list: str = "/snapshots/detail"
    volumes: str = "/volumes/detail"
    volume: str = "/volumes/{id}"
    quota: str = "/os-quota-sets/{project_id}"  # needs the query usage=True
    update: str = "/snapshots/{id}"
    delete: str = "/snapshots/{id}"
    metadata: str | None = "/snapshots/{id}/metadata"  # pages A-2099 to A-2104
    create_volume: str = "/volumes"  # page evs_04_2065, also for the vendor's dialect
    # `{id}` is the snapshot's (page A-2022, evs_04_3008), then the volume's.
    rollback: str = "/os-vendor-snapshots/{id}/rollback"
    revert: str | None = None


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
    revert="/volumes/{id}/action",
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

# The Nova API, which ECS speaks too (en-us_topic_0020212689). A catalog has it as `compute`; ECS's
# own entry names the same host with another version.
COMPUTE = Api(
    name="compute",
    version="v2.1",
    service_types=("compute", "ecs"),
    title="compute service",
    setting="evs.compute_endpoint",
    any_version=True,
)

DEFAULT_DIALECT = NATIVE_V2.name
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (NATIVE_V2, NATIVE_V3, VENDOR)}
)


def rollback_call(dialect: Dialect, *, limits: LimitsProfile) -> RollbackCall:
    """The rollback that a cloud of this dialect and these limits speaks.

    The v2 dialects are EVS's. Under native-v3 a plain Cinder and an EVS look the same, and EVS has
    no revert, but a v3 twin of its own call (evs_04_3008). There the limits decide: `chars-64-85`
    are those of Huawei's main cloud, which no Cinder has. An EVS with the limits `bytes-255` must
    be configured as native-v2, which its documents advise anyway; as native-v3 it is taken for a
    Cinder, whose revert it does not have.
    """
    if dialect.revert is None or limits == CHARS_64_85:
        return RollbackCall.ROLLBACK
    return RollbackCall.REVERT
