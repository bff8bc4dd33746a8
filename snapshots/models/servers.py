"""The names of the servers that volumes are attached to."""

from django.db import models


class Server(models.Model):
    """A server of which a name is known: by the compute service, or by EVSPORTAL_SERVER_NAMES."""

    cloud = models.CharField(max_length=80)
    server_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)  # as the cloud told it last
    given_name = models.CharField(max_length=255, blank=True)  # the file's
    gone_at = models.DateTimeField(null=True, blank=True)  # no longer in the cloud's list

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cloud", "server_id"], name="server_once_per_cloud"),
        ]

    def __str__(self) -> str:
        return self.label or self.server_id

    @property
    def label(self) -> str:
        """The cloud's own name; the file fills the gaps."""
        return self.name or self.given_name
