"""What the judge is told: plain facts, gathered in `evidence.py` or planted by tests."""

from dataclasses import dataclass, field

SAYS_MADE = frozenset({"accepted", "succeeded"})
FINAL = frozenset({"succeeded", "failed", "refused", "not_created", "cancelled"})
MARKER = "evsportal-operation"
INTENT = "intent"
TOUCH = "touch"
_OF_THE_ENGINE = frozenset({"broke_off", "left_lying"})


@dataclass(frozen=True)
class Told:
    """An operation as the portal tells it."""

    id: str
    intent: str
    state: str
    volume_id: str
    snapshot_id: str | None = None  # that it made, or is about
    kind: str = "create"
    name: str = ""
    touch: str = ""
    asked: int = 0  # in which order
    made_volume_id: str = ""


@dataclass(frozen=True)
class Mirrored:
    """A snapshot as the portal's pages show it."""

    id: str
    status: str
    name: str
    is_gone: bool = False


@dataclass(frozen=True)
class Made:
    """A snapshot as the cloud itself holds it."""

    id: str
    volume_id: str
    status: str
    metadata: dict[str, str]
    name: str = ""


@dataclass(frozen=True)
class MadeVolume:
    """A volume as the cloud itself holds it."""

    id: str
    marker: str = ""


@dataclass(frozen=True)
class Span:
    """Something happened in the cloud between these two moments."""

    begun: float
    done: float


@dataclass(frozen=True)
class Content:
    """What a snapshot was from then on."""

    since: Span
    name: str
    status: str


@dataclass
class Outside:
    """What somebody did in the cloud without the portal: by the ids of snapshots and volumes."""

    made: dict[str, list[Content]] = field(default_factory=dict)  # and what became of them
    renamed: set[str] = field(default_factory=set)
    deleted: dict[str, Span] = field(default_factory=dict)
    removed_volumes: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What the pages showed of a snapshot at some moment, and how old they admitted it to be."""

    id: str
    volume_id: str
    name: str
    status: str
    at: float
    read_at: float
    is_gone: bool = False


@dataclass(frozen=True)
class Sent:
    """A request that reached the proxy; `marker` names the operation that it makes something for,
    `rolled_back` the snapshot that is put back onto its volume.
    """

    at: float
    method: str
    target: str
    marker: str = ""
    proves_nothing_made: bool = False
    note: str = ""  # what became of it, for people
    rolled_back: str = ""
    executed_at: float | None = None  # the cloud said yes, whatever the portal heard


@dataclass(frozen=True)
class Row:
    """An exchange's row of the audit trail."""

    at: float
    method: str
    target: str
    operation: str = ""
    is_marked: bool = False  # its request names the operation that it makes something for
    answered: bool = False


@dataclass
class Judgment:
    """What is wrong, one line each, by kind. All empty: nothing."""

    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    creates_sent_twice: list[str] = field(default_factory=list)
    deletes_sent_twice: list[str] = field(default_factory=list)
    deleted_unasked: list[str] = field(default_factory=list)
    rolled_back_twice: list[str] = field(default_factory=list)
    restored_twice: list[str] = field(default_factory=list)
    mirrored_wrongly: list[str] = field(default_factory=list)
    shown_wrongly: list[str] = field(default_factory=list)
    sent_without_right: list[str] = field(default_factory=list)
    left_lying: list[str] = field(default_factory=list)
    broke_off: list[str] = field(default_factory=list)
    deadlocks: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {kind: len(lines) for kind, lines in vars(self).items()}

    @property
    def is_clean(self) -> bool:
        return not any(self.counts().values())

    @property
    def is_wrong_about_the_cloud(self) -> bool:
        """Whether a guard was missed. A step that broke off may only say that what was put in the
        guard's place does not fit the code any more.
        """
        return any(count for name, count in self.counts().items() if name not in _OF_THE_ENGINE)


@dataclass(frozen=True)
class Facts:
    """Everything that was seen from outside and told from inside."""

    operations: list[Told]
    snapshots: list[Made]
    acknowledged: dict[str, set[str]]  # intent to the operations its submits were told
    sent: list[Sent]
    rows: list[Row]
    at_cloud: list[tuple[str, str]] = field(default_factory=list)  # method and path
    mirrored: list[Mirrored] | None = None  # None: not looked at
    volumes: list[MadeVolume] = field(default_factory=list)
    outside: Outside = field(default_factory=Outside)
    shown: list[Shown] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)  # of which a person was told so
    sent_without_right: list[str] = field(default_factory=list)  # a line each
    left_lying: list[str] = field(default_factory=list)  # rows that nobody took up, a line each
    broke_off: list[str] = field(default_factory=list)  # what workers logged of broken steps
    deadlocks: int = 0  # by the database's own count
