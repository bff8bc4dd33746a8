"""How a cloud's quota was used, one row a day: what a forecast is made of."""

from django.db import models


class QuotaDay(models.Model):
    """A quota as it was read last on a day (UTC)."""

    cloud = models.CharField(max_length=80)
    resource = models.CharField(max_length=80)
    day = models.DateField()
    limit = models.IntegerField()  # -1: no limit
    used = models.IntegerField()  # in use and reserved together

    class Meta:
        ordering = ["cloud", "resource", "day"]
        constraints = [
            models.UniqueConstraint(
                fields=["cloud", "resource", "day"], name="quota_day_once_per_resource"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource} of {self.cloud} on {self.day}"
