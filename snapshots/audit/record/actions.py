"""Records what people and the portal do, each action with the web request that caused it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils import timezone

from snapshots.audit.record.folding import MOST, is_foldable, times_refused
from snapshots.audit.record.redaction import storable
from snapshots.models import Action, ActionCode, Operation, Target, roles_of

if TYPE_CHECKING:
    from collections.abc import Callable

PORTAL = "portal"  # the name of the portal itself, where nobody clicked
COMMAND_LINE = "command line"
NOBODY = "nobody"  # an unknown person, whose sign-in was refused
LONGEST_DETAIL = 2000


@dataclass(frozen=True, slots=True)
class Click:
    """One request of a browser: what it causes bears its id."""

    id: uuid.UUID
    person: "Callable[[], object]"  # called late: signing in changes the person during a request
    address: str = ""


_click: ContextVar[Click | None] = ContextVar("click", default=None)


@contextmanager
def clicked(click: Click) -> Iterator[None]:
    """Actions that are recorded inside this context bear the id of this click."""
    token = _click.set(click)
    try:
        yield
    finally:
        _click.reset(token)


def client_address(request: HttpRequest) -> str:
    """The address of the client of this request: what the trail notes, and what brakes count by.

    The connection's own, or what a proxy of EVSPORTAL_TRUSTED_PROXIES said (`evsportal.forwarded`).
    Empty where there is none, as in tests of a view alone.
    """
    return str(request.META.get("REMOTE_ADDR") or "")


def cause() -> uuid.UUID:
    """The current web request's id, or a new id outside of a web request."""
    click = _click.get()
    return click.id if click else uuid.uuid4()


def is_clicked() -> bool:
    return _click.get() is not None


def acting_person() -> User | None:
    """Who is signed in where the current web request comes from."""
    return _person_of(_click.get())


def record(  # noqa: PLR0913 - one column each
    code: ActionCode,
    *,
    actor: User | None = None,
    actor_name: str = "",
    subject: str = "",
    operation: Operation | None = None,
    cloud: str = "",
    target: Target | None = None,
    ticket: str = "",
    on_behalf_of: str = "",
    details: dict[str, str] | None = None,
) -> Action:
    """Insert an action. The actor is the argument, else the person of the web request, else the
    portal. The target is the argument, else the operation's.

    Call it in the transaction of the change that it records, so that both are committed or neither
    is. Raises `DatabaseError` when it cannot be written: the caller must not make the change then.
    Callers leave secrets out: this function cannot recognize them. A refusal that repeats is only
    counted (`folding.py`): then the row that it returns is not stored.
    """
    click = _click.get()
    person = actor or _person_of(click)
    row = Action(
        at=timezone.now(),
        code=code,
        cause=click.id if click else uuid.uuid4(),
        actor=person,
        actor_name=_cut(actor_name or (person.get_username() if person else PORTAL), 150),
        actor_roles=", ".join(sorted(roles_of(person))) if person else "",
        address=_cut(click.address if click else "", 45),
        subject=_cut(subject, 255),
        cloud=_cut(cloud, 80),
        ticket=_cut(ticket, 80),
        on_behalf_of=_cut(on_behalf_of, 150),
        details={key: _cut(text, LONGEST_DETAIL) for key, text in (details or {}).items()},
    )
    if operation is not None:
        row.operation = operation
        row.cloud = operation.cloud
        row.ticket, row.on_behalf_of = operation.ticket, operation.on_behalf_of
    _name_target(row, target or (operation.target if operation else None))
    if is_foldable(code):
        times = times_refused(row)
        if times > MOST:
            row.details["times in this hour"] = str(times)
        if not times:
            return row
    row.save()
    return row


def _name_target(row: Action, target: Target | None) -> None:
    if target is not None:
        row.target_kind = target.kind
        row.target_id, row.target_name = _cut(target.id, 64), _cut(target.name, 255)


def _person_of(click: Click | None) -> User | None:
    person = click.person() if click else None
    if person is None or isinstance(person, AnonymousUser):
        return None
    return User.objects.get(pk=person.pk) if not isinstance(person, User) else person  # type: ignore[attr-defined]


def _cut(text: str, most: int) -> str:
    return storable(text)[:most]
