"""How far the trail was pushed to each place outside."""

from django.db import models


class Pushed(models.Model):
    """One target of EVSPORTAL_AUDIT_PUSH. Its address may hold a secret, so only a digest and the
    host are kept.
    """

    target = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the address
    label = models.CharField(max_length=255)  # scheme and host, for people
    upto = models.JSONField(default=dict)  # {"exchange": the last number it acknowledged, ...}
    # The end of the batch that was handed over last, noted before: whoever does not know whether it
    # arrived hands over the very same one again.
    trying = models.JSONField(default=dict)
    done_at = models.DateTimeField(null=True, blank=True)  # the last acknowledgement
    failing_since = models.DateTimeField(null=True, blank=True)
    trouble = models.TextField(blank=True)
    fails = models.PositiveIntegerField(default=0)  # in a row
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "pushed"

    def __str__(self) -> str:
        return self.label
