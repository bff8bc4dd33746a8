"""People as CSV: written, and read again to make and change them. Passwords are never in it.

Whom a text does not name stays as they are. A new person has no password: they sign in by the
organisation's provider, or an administrator gives them one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from snapshots.audit.archive.export import MARK
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models import Operation, Role
from snapshots.models.directions import isolated
from snapshots.operations.csv_texts import (
    Problem,
    Row,
    read_names,
    read_rows,
    written_line,
    written_names,
)
from snapshots.operations.withdrawing import hold_people, withdraw_requests

NAMES = ("username", "first_name", "last_name", "email")
COLUMNS = (*NAMES, "active", "groups")
_YES_NO = {"yes": True, "no": False}


class LastAdministratorError(Exception):
    """Nobody would be left who administers the portal; nothing was done."""


def write_people(people: QuerySet[User]) -> Iterator[bytes]:
    """Memory does not grow."""
    yield MARK + written_line(COLUMNS)
    rows = people.order_by("username").prefetch_related("groups")
    for person in rows.iterator(500):
        names = sorted(group.name for group in person.groups.all())
        facts = [str(getattr(person, name)) for name in NAMES]
        yield written_line([*facts, "yes" if person.is_active else "no", written_names(names)])


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person as they are to be; not stored."""

    person: User
    groups: list[Group]
    changes_rights: bool
    is_changed: bool


@dataclass(slots=True)
class PeoplePlan:
    """What an import would do."""

    changes: list[PersonChange] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0


def plan_people(text: str, *, people: QuerySet[User], administrator: User) -> PeoplePlan:
    """Writes nothing. Each problem names its line. `people`: whom the administrator may see."""
    read = read_rows(text, COLUMNS)
    plan = PeoplePlan(problems=read.problems)
    groups = {group.name: group for group in Group.objects.all()}
    lines: dict[str, int] = {}
    for row in read.rows:
        try:
            first = lines.setdefault(row.cells["username"], row.line)
            change = _change(row, people, groups)
            _check_change(change, administrator, is_first=first == row.line)
        except ValidationError as error:
            plan.problems += [Problem(row.line, text) for text in error.messages]
            continue
        plan.changes.append(change)
        plan.new += change.person.pk is None
        plan.changed += change.person.pk is not None and change.is_changed
        plan.unchanged += not change.is_changed
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def _check_change(change: PersonChange, administrator: User, *, is_first: bool) -> None:
    """Raises `ValidationError`."""
    if not is_first:
        raise ValidationError(_("This person was named before."))
    if change.changes_rights and change.person.pk == administrator.pk:
        raise ValidationError(_("You cannot change your own rights."))


def _change(row: Row, people: QuerySet[User], groups: dict[str, Group]) -> PersonChange:
    """Raises `ValidationError`."""
    cells = row.cells
    if cells["active"] not in _YES_NO:
        raise ValidationError(_("“active” is yes or no."))
    names = read_names(cells["groups"])
    if unknown := [name for name in names if name not in groups]:
        sentence = _("There is no group {name}.")
        raise ValidationError(sentence.format(name=isolated(unknown[0][:80])))
    person = people.filter(username=cells["username"]).first() or User()
    before = {group.name for group in person.groups.all()} if person.pk else set()
    facts = {**{name: cells[name] for name in NAMES}, "is_active": _YES_NO[cells["active"]]}
    changed = {name for name, value in facts.items() if getattr(person, name) != value}
    for name, value in facts.items():
        setattr(person, name, value)
    if person.pk is None:
        person.set_unusable_password()
    person.full_clean(exclude=["password"])
    changes_rights = "is_active" in changed or before != set(names)
    is_changed = bool(changed) or changes_rights
    chosen = [groups[name] for name in dict.fromkeys(names)]
    return PersonChange(person, chosen, changes_rights, is_changed)


def store_people(changes: list[PersonChange]) -> list[Operation]:
    """All or none. Returns the requests that waited for a lost right and were cancelled. Raises
    `LastAdministratorError`.
    """

    def store() -> list[Operation]:
        stored = [change.person for change in changes if change.person.pk is not None]
        hold_people(stored)
        # Locked first, then read: two administrators may be shutting out each other.
        lock_in_order(User.objects.filter(pk__in=_administrators().values("pk")))
        for change in changes:
            if change.is_changed:
                _store(change)
        if not _administrators().exists():
            raise LastAdministratorError
        losers = [change.person for change in changes if change.changes_rights]
        return withdraw_requests(losers)

    return in_transaction(store)


def _store(change: PersonChange) -> None:
    person = change.person
    person.save()
    person.groups.set(change.groups)


def _administrators() -> QuerySet[User]:
    role = Q(groups__name=Role.ADMINISTRATOR)
    return User.objects.filter(role | Q(is_superuser=True), is_active=True)
