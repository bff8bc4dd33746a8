"""How often sign-ins to the portal failed lately: of one account, from one address, on one device.

`SignInAttempt` is about the portal's own sign-ins to clouds; this is about people.
"""

from datetime import timedelta

from django.db import models

FORGOTTEN_AFTER = timedelta(hours=24)  # since the last failure


class SignInBrake(models.Model):
    """Failures in a row, and until when the next try waits.

    The key is a keyed digest cut to 16 bits beside its kind, so strangers who invent names or
    addresses fill at most 65,536 rows of each kind, and no typed name is stored: people type their
    password in that field by mistake.
    """

    key = models.CharField(max_length=20, primary_key=True)  # kind:digest
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField()
    paused_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["failed_at"], name="sign_in_brake_failed_at")]

    def __str__(self) -> str:
        return self.key
