"""How often the same was refused to the same person or address in an hour."""

from django.db import models


class RefusalCount(models.Model):
    """`key` is a digest of what was refused, to whom and in which hour."""

    key = models.CharField(max_length=64, primary_key=True)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["hour"], name="refusal_hour")]

    def __str__(self) -> str:
        return f"{self.count} in the hour of {self.hour:%H:%M}"
