"""How a person wants the pages to be."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Density(models.TextChoices):
    """How close together the rows of a list are."""

    COMPACT = "compact", _("Compact")
    NORMAL = "normal", _("Normal")
    ROOMY = "roomy", _("Roomy")


class Preferences(models.Model):
    """Of one person. Without a row everything is as the portal has it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    zone = models.CharField(max_length=64, blank=True)  # of the IANA database; empty: UTC
    density = models.CharField(max_length=10, choices=Density, default=Density.COMPACT)
    shortcuts = models.BooleanField(default=True)
    # A code of settings.LANGUAGES; empty: as the browser asks.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"
