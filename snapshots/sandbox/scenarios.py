"""The people, projects, volumes and snapshots of a new sandbox; some volumes cause trouble.

All of it is invented. The ids are fixed, so that tests, demo grants and documentation can refer to
them.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from snapshots.sandbox_account import DOMAIN, PASSWORD, PROJECT_NAME, REGION, USERNAME

__all__ = ["DOMAIN", "PASSWORD", "PROJECT_NAME", "REGION", "USERNAME"]

DOMAIN_ID = "5a5d0c0ffee0420a9d0b0de0f1c3b6aa"
PROJECT_ID = "5a11db0c0de04f3f9e9d0d410b371fde"
OTHER_PROJECT_NAME = f"{REGION}_other"
OTHER_PROJECT_ID = "07e5a11db0c04c7b8ad02f6c1b9e5d3a"
SMALL_PROJECT_NAME = f"{REGION}_small"
SMALL_PROJECT_ID = "54a115a11db0c4e0c9d2f6b8a7e3d1c5"
ADMIN_PROJECT_NAME = "admin"
ADMIN_PROJECT_ID = "ad314a11db0c4a60bd3f5c8e7d2b9f10"

READER_USERNAME = "reader"
OTHER_USERNAME = "other"
SMALL_USERNAME = "small"
ROLELESS_USERNAME = "nobody"
ADMIN_USERNAME = "admin"
ACCESS_KEY = "SANDBOXACCESSKEY0001"
SECRET_KEY = "sandbox-secret-key-of-no-real-account-00"

ZONE_A = f"{REGION}a"
ZONE_B = f"{REGION}b"


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"
    READER = "reader"


@dataclass(frozen=True)
class SeedUser:
    id: str
    name: str
    password: str
    # Pairs of project id and role.
    roles: tuple[tuple[str, Role], ...]


@dataclass(frozen=True)
class SeedProject:
    id: str
    name: str
    # Pairs of resource and limit, where they are not the sandbox's own.
    quotas: tuple[tuple[str, int], ...] = ()


PROJECTS = (
    SeedProject(PROJECT_ID, PROJECT_NAME),
    SeedProject(OTHER_PROJECT_ID, OTHER_PROJECT_NAME),
    SeedProject(
        SMALL_PROJECT_ID,
        SMALL_PROJECT_NAME,
        (("snapshots", 2), ("gigabytes", 20), ("volumes", 3)),
    ),
    SeedProject(ADMIN_PROJECT_ID, ADMIN_PROJECT_NAME),
)

USERS = (
    SeedUser("5a05e4000000400a8000000000000001", USERNAME, PASSWORD, ((PROJECT_ID, Role.MEMBER),)),
    SeedUser(
        "5a05e4000000400a8000000000000002",
        READER_USERNAME,
        READER_USERNAME,
        ((PROJECT_ID, Role.READER),),
    ),
    SeedUser(
        "5a05e4000000400a8000000000000003",
        OTHER_USERNAME,
        OTHER_USERNAME,
        ((OTHER_PROJECT_ID, Role.MEMBER),),
    ),
    SeedUser(
        "5a05e4000000400a8000000000000006",
        SMALL_USERNAME,
        SMALL_USERNAME,
        ((SMALL_PROJECT_ID, Role.MEMBER),),
    ),
    SeedUser("5a05e4000000400a8000000000000004", ROLELESS_USERNAME, ROLELESS_USERNAME, ()),
    SeedUser(
        "5a05e4000000400a8000000000000005",
        ADMIN_USERNAME,
        ADMIN_USERNAME,
        ((ADMIN_PROJECT_ID, Role.ADMIN),),
    ),
)


class Trouble(StrEnum):
    """What goes wrong with the snapshots of a volume: with creates, and later in their life."""

    NONE = ""
    # 202, `creating`, then `error`.
    ENDS_IN_ERROR = "ends in error"
    # 413, whatever the quota says.
    QUOTA_FULL = "quota full"
    # 429 APIGW.0308 twice, then it works; and again from the start.
    THROTTLED = "throttled"
    # Made at once, answered after some seconds.
    SLOW = "slow"
    # The snapshot is made, but the request gets no answer, and its connection is closed much later.
    NO_ANSWER = "no answer"
    # Made, but the connection breaks in the middle of the answer.
    ANSWER_CUT = "answer cut"
    # Made, but answered with 500.
    ERROR_500 = "error 500"
    ERROR_500_NOTHING_MADE = "error 500, nothing made"
    # `creating`, then `quiescing` (no document knows it), then `available`.
    UNKNOWN_STATUS = "unknown status"
    # The volume stays `attaching`.
    ATTACHING = "attaching"
    # The volume is in `error`.
    VOLUME_IN_ERROR = "volume in error"
    # 409 EVS.2409 once, then it works; and again from the start.
    SNAPSHOT_IN_PROGRESS = "another snapshot in progress"
    # The metadata is dropped silently.
    DROPS_METADATA = "drops metadata"
    # `creating` for two minutes.
    TAKES_LONG = "takes long"
    # A delete: 202, `deleting`, then `available` again, as when the back end still needs it.
    IN_USE = "snapshot in use"
    # A delete: 202, `deleting`, then `error_deleting`.
    DELETE_FAILS = "delete fails"
    # A delete: `deleting` for half a minute.
    DELETE_TAKES_LONG = "delete takes long"
    # Lists are some seconds behind: they lack new snapshots and still have deleted ones.
    LISTS_LAG = "lists lag"
    # A rollback: the volume ends in `error_rollbacking`; the next one from there works.
    ROLLBACK_FAILS = "rollback fails"


LATER_TROUBLES = frozenset(
    {
        Trouble.IN_USE,
        Trouble.DELETE_FAILS,
        Trouble.DELETE_TAKES_LONG,
        Trouble.LISTS_LAG,
        Trouble.ROLLBACK_FAILS,
    }
)
LONG_SECONDS = 120.0
LONG_DELETE_SECONDS = 30.0
LAG_SECONDS = 10
THROTTLED_CALLS = 2
IN_PROGRESS_CALLS = 1


@dataclass(frozen=True, kw_only=True)
class SeedVolume:
    id: str
    name: str
    size_gb: int
    status: str = "available"
    type: str = "SAS"
    az: str = ZONE_A
    trouble: Trouble = Trouble.NONE
    # `alice`, `bob` or `shared` (nobody's: the helpdesk's).
    owner: str = "shared"
    project_id: str = PROJECT_ID
    # Where the volume is attached; then `server` names where to.
    device: str = ""
    server: str = ""
    encrypted: bool = False
    multiattach: bool = False
    bootable: bool = False


def _id(number: int) -> str:
    return f"5a0d15c0-{number:04d}-4000-8000-{number:012d}"


def _trouble(number: int, trouble: Trouble, owner: str, status: str = "available") -> SeedVolume:
    name = f"trouble: {trouble}"
    return SeedVolume(
        id=_id(number), name=name, size_gb=10, trouble=trouble, owner=owner, status=status
    )


VOLUMES: tuple[SeedVolume, ...] = (
    SeedVolume(id=_id(1), name="db-primary-data", size_gb=500, type="SSD", owner="alice",
               status="in-use", server="db-primary", device="/dev/vdb"),
    SeedVolume(id=_id(2), name="web-01-system", size_gb=40, type="GPSSD", owner="alice",
               status="in-use", server="web-01", device="/dev/vda", bootable=True),
    SeedVolume(id=_id(3), name="web-01-logs", size_gb=100, owner="alice"),
    SeedVolume(id=_id(4), name="muğla-arşiv", size_gb=2000, type="SATA", owner="alice", az=ZONE_B),
    SeedVolume(id=_id(5), name="reports", size_gb=20, owner="alice"),
    SeedVolume(id=_id(6), name="hr-confidential", size_gb=60, type="SSD", owner="alice",
               encrypted=True),
    SeedVolume(id=_id(7), name="財務-備份", size_gb=300, type="SAS", owner="bob", az=ZONE_B),
    SeedVolume(id=_id(8), name="reports", size_gb=20, owner="bob"),
    SeedVolume(id=_id(9), name="cluster-quorum", size_gb=1, type="ESSD", owner="bob",
               status="in-use", server="node-1", device="/dev/vdc", multiattach=True),
    SeedVolume(id=_id(10), name="build-cache", size_gb=250, type="GPSSD", owner="bob"),
    SeedVolume(id=_id(11), name="", size_gb=10, owner="shared"),
    SeedVolume(id=_id(12), name="old-fileserver", size_gb=1000, type="SATA", owner="shared"),
    _trouble(21, Trouble.ENDS_IN_ERROR, "alice"),
    _trouble(22, Trouble.QUOTA_FULL, "alice"),
    _trouble(23, Trouble.THROTTLED, "alice"),
    _trouble(24, Trouble.SLOW, "alice"),
    _trouble(25, Trouble.NO_ANSWER, "alice"),
    _trouble(26, Trouble.ANSWER_CUT, "alice"),
    _trouble(27, Trouble.ERROR_500, "bob"),
    _trouble(28, Trouble.ERROR_500_NOTHING_MADE, "alice"),
    _trouble(29, Trouble.UNKNOWN_STATUS, "alice"),
    _trouble(30, Trouble.ATTACHING, "alice", status="attaching"),
    _trouble(31, Trouble.VOLUME_IN_ERROR, "bob", status="error"),
    _trouble(32, Trouble.SNAPSHOT_IN_PROGRESS, "bob"),
    _trouble(33, Trouble.DROPS_METADATA, "bob"),
    _trouble(34, Trouble.TAKES_LONG, "alice"),
    _trouble(35, Trouble.IN_USE, "alice"),
    _trouble(36, Trouble.DELETE_FAILS, "alice"),
    _trouble(37, Trouble.DELETE_TAKES_LONG, "bob"),
    _trouble(38, Trouble.LISTS_LAG, "alice"),
    _trouble(39, Trouble.ROLLBACK_FAILS, "alice"),
    SeedVolume(id=_id(41), name="other-project-data", size_gb=50, project_id=OTHER_PROJECT_ID),
    SeedVolume(id=_id(42), name="other-project-system", size_gb=40, project_id=OTHER_PROJECT_ID,
               status="in-use", server="other-01", device="/dev/vda", bootable=True),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SeedServer:
    id: str
    name: str | None
    project_id: str
    az: str


def server_id(server: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, server))


_UNNAMED_SERVERS = frozenset({"node-1"})
# Those that volumes are attached to.
SERVERS: tuple[SeedServer, ...] = tuple(
    SeedServer(
        id=server_id(volume.server),
        name=None if volume.server in _UNNAMED_SERVERS else volume.server,
        project_id=volume.project_id,
        az=volume.az,
    )
    for volume in VOLUMES
    if volume.server
)


@dataclass(frozen=True, kw_only=True)
class SeedSnapshot:
    """A snapshot that no portal made."""

    id: str
    volume_id: str
    name: str
    description: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()


def _by_backup(number: int, name: str) -> SeedSnapshot:
    """A snapshot made by the backup service: a reserved name (FAQ-0058), a key of the cloud's
    (A-2097).
    """
    metadata = (("__system__enableActive", "true"),)
    return SeedSnapshot(id=_id(number), volume_id=_id(3), name=name, metadata=metadata)


SNAPSHOTS: tuple[SeedSnapshot, ...] = (
    SeedSnapshot(id=_id(101), volume_id=_id(5), name="console-before-migration",
                 description="Made in the console"),
    _by_backup(102, "autobk_snapshot_vbs_2026-01-16"),
    _by_backup(103, "manualbk_snapshot_csbs_2026-01-17"),
    *(
        SeedSnapshot(id=_id(100 + number), volume_id=_id(number), name="before-update")
        for number in range(35, 40)
    ),
)  # fmt: skip


def volume_named(name: str) -> SeedVolume:
    """The first seeded volume of that name.

    Raises KeyError when there is none.
    """
    for volume in VOLUMES:
        if volume.name == name:
            return volume
    raise KeyError(name)


def volume_with(trouble: Trouble) -> SeedVolume:
    """The seeded volume that causes this trouble.

    Raises KeyError when there is none.
    """
    for volume in VOLUMES:
        if volume.trouble is trouble:
            return volume
    raise KeyError(trouble)
