"""Passwords that somebody else set, until their person chooses another."""

from django.conf import settings
from django.db import models


class OneTimePassword(models.Model):
    """That the person's password was set by another, by whom and when. It holds no password."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="one_time_password",
    )
    given_by_name = models.CharField(max_length=150)  # as it was then
    given_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person} by {self.given_by_name}"
