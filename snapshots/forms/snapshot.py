"""The form that asks for a snapshot."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from snapshots import clouds
from snapshots.evs.limits import (
    DEFAULT_PROFILE,
    PROFILES,
    LimitsProfile,
    clean_name,
)
from snapshots.forms.request import Consent, Text
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.models import Volume
from snapshots.models.directions import isolated
from snapshots.rights.visible import volumes_usable_by

CHOOSE = gettext_lazy("This is not one of your volumes. Choose one from the list.")
READY = gettext_noop("Ready")
ASKS = gettext_noop("In use or being attached: asks for your consent")
CLOSED = gettext_noop("No snapshot possible now")


class VolumeSelect(forms.Select):
    """The volumes in groups; those that take no snapshot now are shown and cannot be chosen."""

    closed: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.closed and not option["selected"]:
            option["attrs"]["disabled"] = True
        return option


class SnapshotForm(FormWithMetadata):
    """A new snapshot of a volume."""

    volume_id = Text(
        label=gettext_lazy("Volume"),
        strip=False,
        widget=VolumeSelect,
        error_messages={"required": gettext_lazy("Choose the volume to take a snapshot of.")},
    )
    # Offered only where the volume needs it. Ticked for a volume that is available by now it is
    # still sent as true: that is what the person agreed to, the cloud takes it, and the volume
    # may be attached again before its turn comes.
    force = Consent(label=gettext_lazy("Take it while the volume is in use"), required=False)
    field_order = ["key", "volume_id", "force", "name", "description"]

    def __init__(self, *args: Any, requester: User, **kwargs: Any) -> None:
        super().__init__(*args, requester=requester, **kwargs)
        # A cloud taken out of the settings leaves its volumes behind; nobody could send for them.
        names = set(clouds.cloud_names())
        self.volumes = [volume for volume in volumes_usable_by(requester) if volume.cloud in names]
        self._offer_volumes()

    def _offer_volumes(self) -> None:
        widget = self.fields["volume_id"].widget
        assert isinstance(widget, VolumeSelect)  # noqa: S101 - for the type checker
        widget.choices = _choices(self.volumes)
        widget.closed = frozenset(
            volume.volume_id for volume in self.volumes if not volume.takes_snapshot
        )

    @cached_property
    def volume(self) -> Volume | None:
        """The chosen volume, right or wrong otherwise; None for none or a strange one."""
        chosen = self["volume_id"].value()
        return next((volume for volume in self.volumes if volume.volume_id == chosen), None)

    @cached_property
    def limits(self) -> LimitsProfile:
        """Those of the chosen volume's cloud; before a choice, of the first volume's."""
        volume = self.volume or next(iter(self.volumes), None)
        return PROFILES[clouds.profile_name(volume.cloud) if volume else DEFAULT_PROFILE]

    # --- checks ------------------------------------------------------------------------------

    def clean_volume_id(self) -> str:
        volume = self.volume
        if volume is None:  # not there, not theirs, not written as the cloud writes it: one answer
            raise ValidationError(CHOOSE)
        if not volume.takes_snapshot:
            raise ValidationError(
                _(
                    "{volume} is “{status}” and takes no snapshot now. "
                    "Try again when it is available or in use."
                ).format(volume=isolated(volume.label), status=volume.status)
            )
        return volume.volume_id

    def clean(self) -> dict[str, Any]:
        self._check_force()
        return super().clean()

    def _check_force(self) -> None:
        volume = self.volume
        ticked = self.cleaned_data.get("force", True)  # absent: it has its own error already
        if volume is not None and volume.needs_force and not ticked:
            box = self.fields["force"].label
            message = _("{volume} is {status}: tick “{box}” to go on.")
            self.add_error(
                "force",
                message.format(volume=isolated(volume.label), status=volume.status, box=box),
            )

    # --- for the page ------------------------------------------------------------------------

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Its page shows no errors but these."""
        return [("main", text) for text in self.withdrawn] + super().problems

    @property
    def offers_force(self) -> bool:
        asked = self["force"].value() in Consent.YES
        return bool(self["force"].errors or asked or (self.volume and self.volume.needs_force))


def _choices(volumes: Sequence[Volume]) -> list[tuple[str, Any]]:
    names = Counter(volume.label for volume in volumes)
    several = len({volume.cloud for volume in volumes}) > 1
    groups: dict[str, list[tuple[str, str]]] = {
        _(READY): [],
        _(ASKS): [],
        _(CLOSED): [],
    }
    for volume in volumes:
        label = _option(volume, alike=names[volume.label] > 1, several=several)
        groups[_(_group_of(volume))].append((volume.volume_id, label))
    offered = [(group, options) for group, options in groups.items() if options]
    return [("", _("Choose a volume …")), *offered]


def _group_of(volume: Volume) -> str:
    if not volume.takes_snapshot:
        return CLOSED
    return ASKS if volume.needs_force else READY


def _option(volume: Volume, *, alike: bool, several: bool) -> str:
    size = _("size not reported") if volume.size_gb is None else f"{volume.size_gb} GiB"
    parts = [isolated(volume.label), size, volume.status]
    if alike:
        parts.insert(1, volume.volume_id[:8])
    if several:
        parts.append(volume.cloud)
    return " · ".join(parts)


def suggested_name(volume: Volume, *, now: datetime) -> str:
    """A name that says which volume and when, and keeps every limit."""
    stamp = f"-{now:%Y%m%d-%H%M}"
    stem = (volume.name or f"volume-{volume.volume_id[:8]}")[:48]
    name, problems = clean_name(
        stem + stamp,
        profile=PROFILES[clouds.profile_name(volume.cloud)],
        reserved_prefixes=settings.EVSPORTAL_RESERVED_PREFIXES,
        refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
    )
    return f"snapshot{stamp}" if problems or name is None else name
