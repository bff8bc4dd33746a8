"""The form that asks for a snapshot."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots import clouds
from snapshots.evs.limits import (
    DEFAULT_PROFILE,
    PROFILES,
    LimitsProfile,
)
from snapshots.forms.request import Consent, Text
from snapshots.forms.with_metadata import FormWithMetadata
from snapshots.models import Volume
from snapshots.models.directions import isolated
from snapshots.rights.visible import volumes_usable_by
from snapshots.selectors.picker import Group, Offers

CHOOSE = gettext_lazy("This is not one of your volumes. Choose one from the list.")
LONGEST_ID = 64


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
    field_order = ("key", "ticket", "on_behalf_of", "reason", "volume_id", "force", "name")

    def __init__(self, *args: Any, requester: User, **kwargs: Any) -> None:
        super().__init__(*args, requester=requester, **kwargs)
        # A cloud taken out of the settings leaves its volumes behind; nobody could send for them.
        self.usable = volumes_usable_by(requester).filter(cloud__in=clouds.cloud_names())

    def offer(self, offers: Offers) -> None:
        """Put these volumes into the list, and the chosen one in any case."""
        widget = self.fields["volume_id"].widget
        assert isinstance(widget, VolumeSelect)  # noqa: S101 - for the type checker
        offered = [row.volume for row in offers.rows]
        chosen = [self.volume] if self.volume and self.volume not in offered else []
        names = Counter(volume.label for volume in [*chosen, *offered])
        several = len({volume.cloud for volume in [*chosen, *offered]}) > 1

        def options(volumes: list[Volume]) -> list[tuple[str, str]]:
            return [
                (row.volume_id, _option(row, alike=names[row.label] > 1, several=several))
                for row in volumes
            ]

        groups = [
            (group_title(group), options([row.volume for row in group.rows]))
            for group in offers.groups
        ]
        widget.choices = [("", _("Choose a volume …")), *options(chosen), *groups]
        widget.closed = frozenset(row.volume_id for row in offered if not row.takes_snapshot)

    @cached_property
    def volume(self) -> Volume | None:
        """The chosen volume, right or wrong otherwise; None for none or a strange one."""
        chosen = str(self["volume_id"].value() or "")
        if not chosen or len(chosen) > LONGEST_ID or "\0" in chosen:
            return None
        return self.usable.filter(volume_id=chosen).first()

    @cached_property
    def limits(self) -> LimitsProfile:
        """Those of the chosen volume's cloud; before a choice, of the first volume's."""
        volume = self.volume or self.usable.first()
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


def group_title(group: Group) -> str:
    if group.is_recent:
        return _("Used last")
    if group.name:
        server = f"{isolated(group.name)} ({group.server[:8]})"
        return _("Server {server}").format(server=server)
    if group.server:
        return _("Server {server}").format(server=isolated(group.server))
    return _("Not attached to a server")


def _option(volume: Volume, *, alike: bool, several: bool) -> str:
    size = _("size not reported") if volume.size_gb is None else f"{volume.size_gb} GiB"
    parts = [isolated(volume.label), size, volume.status]
    if alike:
        parts.insert(1, volume.volume_id[:8])
    if several:
        parts.append(volume.cloud)
    return " · ".join(parts)
