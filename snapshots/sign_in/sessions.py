"""Sessions whose keys the database does not hold: it has their digests.

Who reads the database, or a copy of it, cannot take over a session. The cookie has the key, 32
random characters, so a plain digest cannot be guessed back.

A session of somebody who is signed in ends some hours after the sign-in, however much it is used,
and earlier when nobody uses it. `open_sessions.py` notes its use. That of anybody else lasts for a
quarter of an hour after its last change: everybody can have as many as they like.
"""

import hashlib
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN
from django.contrib.sessions.backends import db
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import DatabaseError
from django.utils import timezone

from snapshots.clock import latest_plausible
from snapshots.database.transactions import in_transaction
from snapshots.models import OpenSession

# As long as a sign-in may take: the provider's ten minutes, the second factor's quarter of an hour.
STRANGERS_LAST = timedelta(minutes=15)
# Who has signed in, or has opened a link to choose a password.
_LONGER = frozenset({SESSION_KEY, INTERNAL_RESET_SESSION_TOKEN})


class SessionStore(db.SessionStore):
    """Django's store in the database, with the digest in place of the key.

    `opened` is what is known of the session, once it was read: None for somebody who is not signed
    in, and for a session that an earlier release opened. `stored_data` is its row's text then.
    """

    opened: OpenSession | None = None
    stored_data: str = ""

    def _get_session_from_db(self) -> Any:
        key, now = self.session_key, timezone.now()
        table: Any = self.model.objects  # the types do not know what other apps add
        row = None
        if key:
            rows = table.filter(session_key=digest_of(key), expire_date__gt=now)
            row = next(iter(rows.select_related("opened")), None)
        opened = getattr(row, "opened", None)
        if row is None or (opened is not None and has_ended(opened, now=now)):
            self._session_key = None  # no session goes on under a key that a visitor chose
            return None
        self.opened = opened
        self.stored_data = row.session_data
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        if _LONGER.isdisjoint(data):
            row.expire_date = min(row.expire_date, timezone.now() + STRANGERS_LAST)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            digest = digest_of(key)
            super().delete(digest)
            OpenSession.objects.filter(pk=digest).delete()

    def flush(self) -> None:
        super().flush()
        self.opened = None

    def cycle_key(self) -> None:
        """Go on under another key, with what is known of the session.

        Raises Django's `SessionInterrupted`, by itself a 400, when the session was ended
        since it was read: it must not come back under another key.
        """
        data = self._session  # type: ignore[attr-defined] # read, so that `opened` is known
        key = self.session_key
        if key is None or self.opened is None:
            super().cycle_key()
            return
        opened, digest = self.opened, digest_of(key)
        try:
            self.opened = in_transaction(lambda: self._move(opened, digest, data))
        except (DatabaseError, SessionInterrupted):  # nothing was stored
            self._session_key, self._session_cache = key, data
            raise

    def _move(self, opened: OpenSession, digest: str, data: dict[str, Any]) -> OpenSession:
        """Who deletes the old row first decides: this, or the end of the session."""
        deleted, _ = self.model.objects.filter(pk=digest).delete()
        if not deleted:
            raise SessionInterrupted("The session was ended before it got another key.")
        OpenSession.objects.filter(pk=digest).delete()
        self.create()
        self._session_cache = data
        moved = copy(opened)
        moved.pk, moved.needs_new_key = digest_of(self.session_key or ""), False
        moved.save(force_insert=True)
        return moved


def digest_of(key: str) -> str:
    """As long as the column is: 160 bits."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def has_ended(opened: OpenSession, *, now: datetime) -> bool:
    """Whether the session's hours are over, or it was not used for too long.

    A sign-in ahead of now comes from a clock that was set back: the session ends, since nobody
    knows how old it is.
    """
    if opened.signed_in_at > latest_plausible(now=now):
        return True
    idle = idle_limit()
    is_idle = idle is not None and opened.used_at <= now - idle
    return is_idle or opened.signed_in_at <= now - longest()


def longest() -> timedelta:
    return timedelta(hours=settings.EVSPORTAL_SESSION_HOURS)


def idle_limit() -> timedelta | None:
    """None: a session that nobody uses lasts as long as any other."""
    minutes: int = settings.EVSPORTAL_SESSION_IDLE_MINUTES
    return timedelta(minutes=minutes) if minutes else None
