"""Who is signed in where: facts of sessions that people and administrators see."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models


class OpenSession(models.Model):
    """A session of somebody who is signed in, beside Django's row with its content.

    Both rows have the digest of the session's key, which opens nothing. Django's row may be gone
    already: then this one means nothing (`sign_in/open_sessions.py`). There is no constraint
    between them, since code of an earlier release deletes Django's row alone.
    """

    session = models.OneToOneField(
        Session,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="opened",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="open_sessions"
    )
    device = models.CharField(max_length=60, blank=True)  # "Firefox on Linux"
    address = models.CharField(max_length=45, blank=True)  # of the last use
    signed_in_at = models.DateTimeField()
    used_at = models.DateTimeField()  # up to a minute old
    # What its person may do has changed: the next page brings another key.
    needs_new_key = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["used_at"], name="open_session_used_at")]

    def __str__(self) -> str:
        return f"{self.device}, {self.address}" if self.address else self.device
