"""The sessions of people who are signed in: noting their use, listing and ending them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpRequest
from django.utils import timezone

from snapshots.audit.record.actions import client_address, record
from snapshots.audit.record.people import row_before
from snapshots.clock import latest_plausible
from snapshots.database.transactions import in_transaction, lock_in_order
from snapshots.models import ActionCode, OpenSession
from snapshots.sign_in.browsers import browser_words
from snapshots.sign_in.sessions import SessionStore, digest_of, has_ended, idle_limit, longest

MOST_REMOVED = 500  # in one step of the duty
MOST_STEPS = 200  # each time that it runs
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def watch() -> None:
    """Twice does no harm."""
    user_logged_in.connect(_open, dispatch_uid="open sessions")
    post_save.connect(_end_invalid, sender=User, dispatch_uid="ended sessions")
    for signal, receiver, sender in (
        (m2m_changed, _groups_changed, User.groups.through),
        (post_save, _superuser_changed, User),
        (post_save, _factor_changed, Authenticator),
        (post_delete, _factor_changed, Authenticator),
    ):
        signal.connect(receiver, sender=sender, dispatch_uid=f"new keys {receiver.__name__}")


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """While a request is answered: a password that it changes does not end its own session."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


# --- noting ----------------------------------------------------------------------------------


def note_use(request: HttpRequest) -> None:
    """Move the last use of the request's session on, at most once a minute."""
    session: Any = request.session
    person = request.user
    if not isinstance(person, User) or session.session_key is None:
        return
    if session.opened is None:  # an earlier release opened it
        _note_opening(session, person, request)
        return
    if session.opened.needs_new_key and not request.headers.get("HX-Request"):
        session.cycle_key()
    now = timezone.now()
    due = Q(used_at__lte=now - _pace()) | Q(used_at__gt=latest_plausible(now=now))
    if now - session.opened.used_at >= _pace() or session.opened.used_at > now:
        row = OpenSession.objects.filter(due, pk=session.opened.pk)
        row.update(used_at=now, address=client_address(request)[:45])


def _pace() -> timedelta:
    minute = timedelta(minutes=1)
    idle = idle_limit()
    return minute if idle is None else min(minute, idle / 10)


def _open(user: User, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """At a sign-in. The key is another one from here on, for somebody who signs in again too."""
    session = getattr(request, "session", None)
    if request is None or not isinstance(session, SessionStore):
        return
    if session.session_key is None or session.opened is not None:
        session.opened = None
        session.cycle_key()
    _note_opening(session, user, request)


def _note_opening(session: SessionStore, person: User, request: HttpRequest) -> None:
    now = timezone.now()
    facts = {
        "person": person,
        "device": browser_words(request.headers.get("User-Agent", "")),
        "address": client_address(request)[:45],
        "signed_in_at": now,
        "used_at": now,
    }
    digest = digest_of(session.session_key or "")
    session.opened, _ = OpenSession.objects.update_or_create(pk=digest, defaults=facts)


# --- new keys --------------------------------------------------------------------------------


def _groups_changed(
    instance: User | Group, action: str, *, reverse: bool, pk_set: set[int] | None, **_kwargs: Any
) -> None:
    """A role is a group."""
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    if not reverse:
        _demand_new_keys([instance.pk])
    elif isinstance(instance, Group):
        _demand_new_keys(pk_set or instance.user_set.values_list("pk", flat=True))


def _superuser_changed(instance: User, **_kwargs: Any) -> None:
    before = row_before(instance)
    if before is not None and before.is_superuser != instance.is_superuser:
        _demand_new_keys([instance.pk])


def _factor_changed(instance: Authenticator, *, created: bool = True, **_kwargs: Any) -> None:
    """Set up or removed; a factor's row also notes each code, which changes nothing."""
    if created:
        _demand_new_keys([instance.user_id])


def _demand_new_keys(people: Iterable[int]) -> None:
    """A key that was given for less must not open more. Not at once: pages that are open poll with
    the key that they have.
    """
    rows = OpenSession.objects.filter(person__in=list(people))

    def demand() -> None:
        OpenSession.objects.filter(pk__in=lock_in_order(rows)).update(needs_new_key=True)

    in_transaction(demand)


# --- listing ---------------------------------------------------------------------------------


def sessions_of(person: User) -> list[OpenSession]:
    """Those that are open now, the last used first. One query."""
    now = timezone.now()
    rows = OpenSession.objects.filter(person=person, session__expire_date__gt=now)
    rows = rows.order_by("-used_at", "-signed_in_at")
    return [row for row in rows if not has_ended(row, now=now)]


def is_of(opened: OpenSession, request: HttpRequest) -> bool:
    """Whether it is the session of this request."""
    key = request.session.session_key
    return key is not None and opened.pk == digest_of(key)


# --- ending ----------------------------------------------------------------------------------


def end_session(person: User, digest: str) -> OpenSession | None:
    """End one of the person's sessions; None when there is no such session."""

    def end() -> OpenSession | None:
        opened = next((row for row in sessions_of(person) if row.pk == digest), None)
        if opened is not None:
            _delete([digest])
            details = {"session": str(opened)}
            record(ActionCode.SESSIONS_ENDED, subject=person.get_username(), details=details)
        return opened

    return in_transaction(end)


def end_all_sessions(person: User, *, but: HttpRequest) -> int:
    """End the person's sessions, except that of this request; how many there were."""

    def end() -> int:
        opened = sessions_of(person)
        rows = [row for row in opened if not is_of(row, but)]
        _delete([row.pk for row in rows])
        if rows:
            which = "all" if rows == opened else "all others"
            details = {"sessions": which, "count": str(len(rows))}
            record(ActionCode.SESSIONS_ENDED, subject=person.get_username(), details=details)
        return len(rows)

    return in_transaction(end)


def _end_invalid(instance: User, *, raw: bool = False, **_kwargs: Any) -> None:
    """Django opens no page of somebody who is shut out, or whose password is another than at the
    sign-in. The rows go too: else they are valid again when the account is let in again.

    Where people change their own password, Django makes that session valid by another key. Its row
    stays for that: a session that was ended before must not come back.
    """
    before = row_before(instance)
    has_changed = before is not None and before.password != instance.password
    if raw or (instance.is_active and not has_changed):
        return
    rows = OpenSession.objects.filter(person=instance)
    request = _request.get()
    if instance.is_active and request is not None and request.session.session_key is not None:
        rows = rows.exclude(pk=digest_of(request.session.session_key))
    in_transaction(lambda: _delete(rows.values_list("pk", flat=True)))


def _delete(digests: Iterable[str]) -> None:
    """Django's rows one by one in the order of their keys: locking several would take a right to
    change them, which the worker does not have (`audit/database/roles.py`).
    """
    ordered = sorted(digests)
    for digest in ordered:
        Session.objects.filter(pk=digest).delete()
    rows = OpenSession.objects.filter(pk__in=ordered)
    OpenSession.objects.filter(pk__in=lock_in_order(rows)).delete()


def remove_ended_sessions() -> None:
    """For the worker's duty: rows of sessions that nobody can use any more."""
    now = timezone.now()
    has_content = Exists(Session.objects.filter(pk=OuterRef("pk")))
    ended = Q(signed_in_at__lte=now - longest()) | Q(~has_content)
    if idle := idle_limit():
        ended |= Q(used_at__lte=now - idle)
    _remove(OpenSession.objects.filter(ended))
    _remove(Session.objects.filter(expire_date__lte=now))


def _remove(rows: QuerySet[Any]) -> None:
    """In small transactions until none is left, so that strangers cannot add rows any faster."""

    def remove() -> int:
        digests = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_REMOVED])
        _delete(digests)
        return len(digests)

    for _step in range(MOST_STEPS):
        if in_transaction(remove) < MOST_REMOVED:
            return
