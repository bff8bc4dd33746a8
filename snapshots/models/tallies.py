"""How often something happened since the portal was set up, for monitoring: never counted anew."""

from django.db import models


class ExchangeTally(models.Model):
    """Answers of one cloud with one code that took about as long."""

    cloud = models.CharField(max_length=80)
    code = models.CharField(max_length=40)  # the status, or the class of the error
    bucket = models.PositiveSmallIntegerField()  # which of `tallies.BOUNDS` it stayed below
    count = models.PositiveBigIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "exchange tallies"
        constraints = [
            models.UniqueConstraint(fields=["cloud", "code", "bucket"], name="exchange_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cloud} {self.code}: {self.count}"


class OperationTally(models.Model):
    """Operations of one kind that ended in one state."""

    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "operation tallies"
        constraints = [
            models.UniqueConstraint(fields=["kind", "state"], name="operation_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}: {self.count}"
