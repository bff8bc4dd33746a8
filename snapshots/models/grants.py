"""Who may use which volumes."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from snapshots.models.mirrors import Volume


class GrantScope(models.TextChoices):
    """What a grant covers."""

    VOLUME = "volume", _("One volume")
    RULE = "rule", _("Volumes by rule")
    CLOUD = "cloud", _("The whole cloud")


# The conditions of a rule. All that are not empty must hold (`rights/rules.py`).
RULE_COLUMNS = (
    "name_pattern",
    "server_id",
    "metadata_key",
    "metadata_value",
    "volume_type",
    "availability_zone",
)
_NO_RULE = Q(**dict.fromkeys(RULE_COLUMNS, ""))
_NAMES_VOLUME = Q(volume_id__isnull=False) & ~Q(volume_id="")


class GrantQuerySet(models.QuerySet["VolumeGrant"]):
    def in_force(self) -> "GrantQuerySet":
        """Without those that have ended."""
        return self.filter(Q(until__isnull=True) | Q(until__gt=timezone.now()))

    def ended(self) -> "GrantQuerySet":
        return self.filter(until__lte=timezone.now())


def _condition(length: int = 255) -> Any:
    return models.CharField(max_length=length, blank=True, default="", db_default="")


class VolumeGrant(models.Model):
    """Lets a person or a group ask for snapshots of volumes: one, those that match a rule, or all
    of a cloud.
    """

    cloud = models.CharField(max_length=80)
    scope = models.CharField(
        max_length=10,
        choices=GrantScope,
        default=GrantScope.VOLUME,
        db_default=GrantScope.VOLUME.value,
    )
    # Empty for a whole cloud; null for a rule, so that nothing takes it for one of every volume.
    volume_id = models.CharField(max_length=64, blank=True, null=True, default="")
    name_pattern = _condition()
    server_id = _condition(64)
    metadata_key = _condition()
    metadata_value = _condition()  # a pattern
    volume_type = _condition()
    availability_zone = _condition()
    until = models.DateTimeField(null=True, blank=True)  # from then on it gives nothing
    given_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="volume_grants",
    )
    group = models.ForeignKey(
        "auth.Group",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="volume_grants",
    )

    objects: ClassVar[models.Manager["VolumeGrant"]] = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(group__isnull=True),
                name="grant_to_a_person_or_a_group",
                violation_error_message=_("Choose a person or a group, not both."),
            ),
            models.CheckConstraint(
                condition=(Q(scope="volume") & _NAMES_VOLUME & _NO_RULE)
                | (Q(scope="rule", volume_id__isnull=True) & ~_NO_RULE)
                | (Q(scope="cloud", volume_id__isnull=False, volume_id="") & _NO_RULE),
                name="grant_says_what_it_covers",
                violation_error_message=_(
                    "A grant covers one volume by its id, volumes by a rule, or a whole cloud."
                ),
            ),
            models.CheckConstraint(
                condition=Q(metadata_key="", metadata_value="")
                | (~Q(metadata_key="") & ~Q(metadata_value="")),
                name="rule_has_metadata_key_and_value",
                violation_error_message=_("A metadata entry needs a key and a value."),
            ),
            # Rules have no volume, so neither concerns them.
            models.UniqueConstraint(
                fields=["cloud", "volume_id", "user"], name="grant_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["cloud", "volume_id", "group"], name="grant_once_per_group"
            ),
        ]
        indexes = [models.Index(fields=["given_at"], name="grant_given_at")]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.subject} of {self.cloud}"

    @property
    def subject(self) -> str:
        """What it covers, for the command line and logs."""
        if self.scope == GrantScope.CLOUD:
            return "every volume"
        if self.scope == GrantScope.RULE:
            return ", ".join(f"{name}={value}" for name, value in self.conditions.items())
        return str(self.volume_id)

    @property
    def conditions(self) -> dict[str, str]:
        """Those of its rule, by their columns."""
        return {name: value for name in RULE_COLUMNS if (value := getattr(self, name))}

    def has_ended(self, *, now: datetime | None = None) -> bool:
        return self.until is not None and self.until <= (now or timezone.now())


class GrantMatch(models.Model):
    """A volume that a grant by rule covers, by what was read of the volume last.

    Lists ask here, since a rule cannot be asked of thousands of volumes for each page. It is kept
    by `rights/matches.py`, and believed by nobody at the moment of sending.
    """

    grant = models.ForeignKey(
        VolumeGrant, on_delete=models.CASCADE, related_name="matches", db_index=False
    )
    volume = models.ForeignKey(
        Volume, on_delete=models.CASCADE, related_name="matches", db_index=False
    )

    class Meta:
        # In both directions, each answered by an index alone: hundreds of thousands are read.
        indexes = [models.Index(fields=["volume", "grant"], name="grants_of_volume")]
        constraints = [
            models.UniqueConstraint(fields=["grant", "volume"], name="grant_match_once"),
        ]

    def __str__(self) -> str:
        return f"{self.grant_id}: {self.volume_id}"
