"""People as CSV: written, and read again to make and change them. Passwords are never in it.

Whom a text does not name stays as they are. A new person has no password: they sign in by the
organisation's provider, or an administrator gives them one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from snapshots.audit.archive.export import MARK
from snapshots.audit.record.account_names import TakenNames
from snapshots.models.directions import isolated
from snapshots.operations.csv_texts import (
    Problem,
    Row,
    read_names,
    read_rows,
    written_line,
    written_names,
)
from snapshots.operations.people import NAMES, OWN_RIGHTS_REFUSAL, PersonChange

COLUMNS = (*NAMES, "active", "groups")
_YES_NO = {"yes": True, "no": False}


def write_people(people: QuerySet[User]) -> Iterator[bytes]:
    """Memory does not grow."""
    yield MARK + written_line(COLUMNS)
    rows = people.order_by("username").prefetch_related("groups")
    for person in rows.iterator(500):
        names = sorted(group.name for group in person.groups.all())
        facts = [str(getattr(person, name)) for name in NAMES]
        yield written_line([*facts, "yes" if person.is_active else "no", written_names(names)])


@dataclass(slots=True)
class PeoplePlan:
    """What an import would do."""

    changes: list[PersonChange] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    own_rights: str = ""  # why a change of the administrator's own rights is refused


def plan_people(text: str, *, people: QuerySet[User], administrator: User) -> PeoplePlan:
    """Writes nothing. Each problem names its line. `people`: whom the administrator may see."""
    read = read_rows(text, COLUMNS)
    plan = PeoplePlan(problems=read.problems)
    groups = {group.name: group for group in Group.objects.all()}
    lines: dict[str, int] = {}
    names = TakenNames()
    for row in read.rows:
        if lines.setdefault(row.cells["username"], row.line) != row.line:
            plan.problems.append(Problem(row.line, _("This person was named before.")))
            continue
        try:
            change = _change(row, people, groups, names)
        except ValidationError as error:
            plan.problems += [Problem(row.line, text) for text in error.messages]
            continue
        if change.changes_rights and change.person_id == administrator.pk:
            plan.own_rights = str(OWN_RIGHTS_REFUSAL)
            plan.problems.append(Problem(row.line, plan.own_rights))
            continue
        plan.changes.append(change)
        plan.new += change.person_id is None
        plan.changed += change.person_id is not None and change.is_changed
        plan.unchanged += not change.is_changed
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def _change(
    row: Row, people: QuerySet[User], groups: dict[str, Group], names: TakenNames
) -> PersonChange:
    """Raises `ValidationError`."""
    cells = row.cells
    if cells["active"] not in _YES_NO:
        raise ValidationError(_("“active” is yes or no."))
    chosen = read_names(cells["groups"])
    if unknown := [name for name in chosen if name not in groups]:
        sentence = _("There is no group {name}.")
        raise ValidationError(sentence.format(name=isolated(unknown[0][:80])))
    facts: dict[str, Any] = {name: cells[name] for name in NAMES}
    facts["is_active"] = _YES_NO[cells["active"]]
    given_groups = [groups[name] for name in dict.fromkeys(chosen)]
    person = people.filter(username=cells["username"]).first()
    if person is None:
        _check_facts(User(), facts)
        names.take(facts["username"])
        return PersonChange(None, facts, given_groups)
    before = {group.name for group in person.groups.all()}
    changed = {name: value for name, value in facts.items() if getattr(person, name) != value}
    _check_facts(person, facts)
    return PersonChange(person.pk, changed, given_groups if before != set(chosen) else None)


def _check_facts(person: User, facts: dict[str, Any]) -> None:
    """All but whether the name is taken: that reads every account. Raises `ValidationError`."""
    for name, value in facts.items():
        setattr(person, name, value)
    person.full_clean(exclude=["password", "username"])
    if person.pk is None:
        username = User._meta.get_field("username")
        type(username).validate(username, person.username, person)
        username.run_validators(person.username)
        facts["username"] = person.username  # as `clean` normalised it
