"""Sessions whose keys the database does not hold: it has their digests.

Who reads the database, or a copy of it, cannot take over a session. The cookie has the key, 32
random characters, so a plain digest cannot be guessed back.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone


class SessionStore(db.SessionStore):
    """Django's store in the database, with the digest in place of the key.

    Sessions of earlier releases are not found any more: their people sign in again.
    """

    def _get_session_from_db(self) -> Any:
        key = self.session_key
        rows = self.model.objects.filter(expire_date__gt=timezone.now())
        row = rows.filter(session_key=digest_of(key)).first() if key else None
        if row is None:
            self._session_key = None  # no session goes on under a key that a visitor chose
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest_of(key))


def digest_of(key: str) -> str:
    """As long as the column is: 160 bits."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]
