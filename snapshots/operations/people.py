"""Making and changing people, with what waits for a right that they lose.

Nobody changes their own rights, and an active administrator is always left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.audit.record.actions import record
from snapshots.database.transactions import in_transaction, lock_rows
from snapshots.models import ActionCode, Operation
from snapshots.operations.withdrawing import hold_people, withdraw_requests
from snapshots.rights.policy import administrators

NAMES = ("username", "first_name", "last_name", "email")
OWN_RIGHTS_REFUSAL = gettext_lazy("You cannot change your own rights.")
LAST_ADMINISTRATOR_REFUSAL = gettext_lazy("Nobody would be left who administers the portal.")
_RIGHTS = frozenset({"is_active", "is_superuser"})


class LastAdministratorError(Exception):
    """Nobody would be left who administers the portal; nothing was done."""


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to become of a person: only what differs, so that other changes made until it is
    stored stay. `groups` is None: they stay.
    """

    person_id: int | None  # None: a new person
    facts: dict[str, Any]
    groups: list[Group] | None
    one_time_password: str = ""  # of a new person; empty: no password opens the account

    @property
    def changes_rights(self) -> bool:
        return bool(_RIGHTS & self.facts.keys()) or self.groups is not None

    @property
    def is_changed(self) -> bool:
        return bool(self.facts) or self.groups is not None


def store_people(changes: list[PersonChange], people: QuerySet[User]) -> list[Operation]:
    """All or none. Returns the requests that waited for a lost right and were cancelled. `people`:
    whom the administrator may see. Raises `LastAdministratorError`, and `ValidationError` or
    `IntegrityError` for what changed since it was checked.
    """
    ids = [change.person_id for change in changes if change.person_id is not None]

    def store() -> list[Operation]:
        # Locked first, then read: two administrators may be shutting out each other.
        # All in one order: they may have each other on their pages.
        held = Q(pk__in=ids) | Q(pk__in=administrators().values("pk"))
        lock_rows(User.objects.filter(held))
        stored = {person.pk: person for person in people.filter(pk__in=ids)}
        if len(stored) != len(ids):
            raise ValidationError(_("A person is not among yours any more."))
        losers = []
        for change in changes:
            person = User() if change.person_id is None else stored[change.person_id]
            _store(change, person)
            if change.changes_rights:
                losers.append(person)
        if not administrators().exists():
            raise LastAdministratorError
        return withdraw_requests(losers)

    return in_transaction(store)


def _store(change: PersonChange, person: User) -> None:
    for name, value in change.facts.items():
        setattr(person, name, value)
    if change.person_id is None:
        person.set_password(change.one_time_password or None)
        person.save()
    elif change.facts:
        person.save(update_fields=list(change.facts))
    if change.groups is not None:
        person.groups.set(change.groups)


def give_one_time_password(person_id: int, password: str) -> None:
    """Set the password of another person, which ends all of their sessions. In a web request it is
    good for choosing another (`sign_in/one_time.py`). Raises `TryLaterError`.
    """

    def give() -> None:
        lock_rows(User.objects.filter(pk=person_id))
        person = User.objects.get(pk=person_id)
        person.set_password(password)
        person.save()

    in_transaction(give)


def record_refused_change(subject: str, sentence: str) -> None:
    """That an administrator tried to change rights in a way that is refused."""
    record(ActionCode.PERSON_REFUSED, subject=subject, details={"why": sentence})


def store_group(group: Group, permissions: Iterable[Permission]) -> list[Operation]:
    """Make or change a group with what its members may do beside their roles. Returns the requests
    that waited for a lost right and were cancelled.
    """
    chosen, group_id = list(permissions), group.pk

    def store() -> list[Operation]:
        people = list(User.objects.filter(groups=group_id).order_by("pk")) if group_id else []
        hold_people(people)
        group.pk = group_id  # the transaction may be repeated
        group.save()
        group.permissions.set(chosen)
        return withdraw_requests(people)

    return in_transaction(store)
