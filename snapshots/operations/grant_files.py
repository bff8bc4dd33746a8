"""Grants as CSV: written, and read again to give what is not there yet. Reading takes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import CheckConstraint, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from snapshots import clouds
from snapshots.audit.archive.export import MARK
from snapshots.localized import listed
from snapshots.models import RULE_COLUMNS, GrantScope, Volume, VolumeGrant
from snapshots.models.directions import isolated
from snapshots.operations.csv_texts import Problem, Row, read_rows, written_line
from snapshots.operations.granting import the_same_as
from snapshots.operations.people import OWN_RIGHTS_REFUSAL
from snapshots.rights.grants import end_of_day
from snapshots.rights.rules import Rule, VolumeFacts, facts_of, is_without_limit, says_nothing

_CHECKS = [check for check in VolumeGrant._meta.constraints if isinstance(check, CheckConstraint)]
COLUMNS = ("person", "group", "cloud", "scope", "volume_id", *RULE_COLUMNS, "until")


def write_grants(grants: QuerySet[VolumeGrant]) -> Iterator[bytes]:
    """Memory does not grow."""
    yield MARK + written_line(COLUMNS)
    for grant in grants.order_by("pk").iterator(500):
        yield written_line(_cells(grant))


def _cells(grant: VolumeGrant) -> list[str]:
    rule = [getattr(grant, name) for name in RULE_COLUMNS]
    until = grant.until.isoformat() if grant.until else ""
    holder = [
        grant.user.get_username() if grant.user else "",
        grant.group.name if grant.group else "",
    ]
    return [*holder, grant.cloud, grant.scope, grant.volume_id or "", *rule, until]


@dataclass(slots=True)
class GrantPlan:
    """What an import would do."""

    grants: list[VolumeGrant] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    whole_clouds: set[str] = field(default_factory=set)  # whose every volume some grant covers
    own_rights: str = ""  # why a grant to the administrator is refused


def plan_grants(text: str, *, people: QuerySet[User], administrator: User) -> GrantPlan:
    """Writes nothing. Each problem names its line. `people`: whom the administrator may see."""
    read = read_rows(text, COLUMNS)
    plan = GrantPlan(problems=read.problems)
    reader = _Reader(people, administrator)
    lines: dict[tuple[object, ...], int] = {}
    for row in read.rows:
        try:
            grant = reader.grant(row)
        except ValidationError as error:
            plan.problems += [Problem(row.line, text) for text in error.messages]
            continue
        columns = "user_id", "group_id", "cloud", "scope", "volume_id", *RULE_COLUMNS
        same = tuple(getattr(grant, name) for name in columns)
        if lines.setdefault(same, row.line) != row.line:
            plan.problems.append(Problem(row.line, _("This grant was named before.")))
            continue
        outcome = _outcome_of(grant)
        if outcome != "unchanged" and reader.is_own(grant):
            plan.own_rights = str(OWN_RIGHTS_REFUSAL)
            plan.problems.append(Problem(row.line, plan.own_rights))
            continue
        plan.grants.append(grant)
        setattr(plan, outcome, getattr(plan, outcome) + 1)
        if reader.covers_all(grant):
            plan.whole_clouds.add(grant.cloud)
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def _outcome_of(grant: VolumeGrant) -> str:
    """The field of the plan that counts it."""
    before = the_same_as(grant).first()
    if before is None:
        return "new"
    return "unchanged" if before.until == grant.until else "changed"


class _Reader:
    """Reads rows, and looks up each name once."""

    def __init__(self, people: QuerySet[User], administrator: User) -> None:
        self._administrator = administrator.pk
        self._own_groups = set(administrator.groups.values_list("pk", flat=True))
        self._people = dict(people.values_list("username", "pk"))
        self._groups = dict(Group.objects.values_list("name", "pk"))
        self._clouds = clouds.cloud_names()
        self._volumes: dict[str, list[VolumeFacts]] = {}

    def grant(self, row: Row) -> VolumeGrant:
        """Raises `ValidationError`."""
        cells = row.cells
        scope = cells["scope"]
        if scope not in GrantScope.values:
            scopes = listed(GrantScope.values)
            raise ValidationError(_("The scope is none of {scopes}.").format(scopes=scopes))
        if cells["cloud"] not in self._clouds:
            raise ValidationError(_no(_("There is no cloud {name}."), cells["cloud"]))
        grant = VolumeGrant(
            user_id=_key(self._people, cells["person"], _("Nobody has the name {name}.")),
            group_id=_key(self._groups, cells["group"], _("There is no group {name}.")),
            cloud=cells["cloud"],
            scope=scope,
            volume_id=None if scope == GrantScope.RULE else cells["volume_id"],
            until=_moment(cells["until"]),
            **{name: cells[name] for name in RULE_COLUMNS},
        )
        if scope == GrantScope.RULE and cells["volume_id"]:
            raise ValidationError(_("A rule has no volume id."))
        for name, condition in grant.conditions.items():
            if says_nothing(condition):
                sentence = _("{column} has nothing that can be compared.")
                raise ValidationError(sentence.format(column=name))
        grant.clean_fields(exclude=["user", "group"])
        for constraint in _CHECKS:
            constraint.validate(VolumeGrant, grant)
        self._check_volume(grant)
        _check_end(grant)
        return grant

    def is_own(self, grant: VolumeGrant) -> bool:
        """Whether the administrator would hold it, alone or in a group."""
        return grant.user_id == self._administrator or grant.group_id in self._own_groups

    def _check_volume(self, grant: VolumeGrant) -> None:
        if grant.scope != GrantScope.VOLUME:
            return
        rows = Volume.objects.filter(cloud=grant.cloud, volume_id=grant.volume_id)
        if not rows.exists() and not the_same_as(grant).exists():
            raise ValidationError(_no(_("The cloud has no volume {name}."), grant.volume_id or ""))

    def covers_all(self, grant: VolumeGrant) -> bool:
        if grant.scope == GrantScope.CLOUD or is_without_limit(grant):
            return True
        if grant.scope != GrantScope.RULE:
            return False
        rule, volumes = Rule.of(grant), self._volumes_of(grant.cloud)
        return bool(volumes) and all(rule.covers(volume) for volume in volumes)

    def _volumes_of(self, cloud: str) -> list[VolumeFacts]:
        if cloud not in self._volumes:
            here = Volume.objects.filter(cloud=cloud, gone_at__isnull=True)
            self._volumes[cloud] = [facts for _key, facts in facts_of(here)]
        return self._volumes[cloud]


def _check_end(grant: VolumeGrant) -> None:
    """An import ends no grant. It accepts a past end only where the stored grant has the same."""
    is_over = grant.until is not None and grant.until <= timezone.now()
    if is_over and not the_same_as(grant).filter(until=grant.until).exists():
        raise ValidationError(_("This end is over. End a grant from the list of grants."))


def _key(keys: dict[str, int], name: str, sentence: str) -> int | None:
    """Raises `ValidationError` for a name that is not there."""
    if name and name not in keys:
        raise ValidationError(_no(sentence, name))
    return keys[name] if name else None


def _no(sentence: str, name: str) -> str:
    return sentence.format(name=isolated(name[:80]) or "“”")


def _moment(text: str) -> datetime | None:
    """A day counts whole, in UTC. Raises `ValidationError`."""
    if not text:
        return None
    moment = None
    with suppress(ValueError, OverflowError):
        if len(text) == len("2026-01-31"):
            moment = end_of_day(date.fromisoformat(text))
        elif (read := datetime.fromisoformat(text)).tzinfo is not None:
            moment = read.astimezone(UTC)
    if moment is None:
        sentence = _("“{text}” is no end: write a day, 2026-01-31, or a time with its zone.")
        raise ValidationError(sentence.format(text=isolated(text[:40])))
    return moment
