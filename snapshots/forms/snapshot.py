"""The form that asks for a snapshot."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from snapshots import clouds
from snapshots.evs.limits import (
    CONTROL,
    DEFAULT_PROFILE,
    PROFILES,
    LimitsProfile,
    Problem,
    clean_description,
    clean_metadata,
    clean_name,
    utf8_length,
)
from snapshots.forms.metadata import MetadataRow, note_problems, unreadable_names
from snapshots.forms.secrets import looks_secret
from snapshots.models import Volume, may_request_for_others
from snapshots.selectors.volumes import volumes_usable_by

CHOOSE = gettext_lazy("This is not one of your volumes. Choose one from the list.")
DAMAGED = gettext_lazy("This form was damaged on its way. Nothing was asked; send it again.")
READY = gettext_noop("Ready")
ASKS = gettext_noop("In use or being attached: asks for your consent")
CLOSED = gettext_noop("No snapshot possible now")
SEND_IT = gettext_lazy("It is no secret; send it as it is")
TOO_LONG = {
    "on_behalf_of": gettext_lazy(
        "“On behalf of” is %(show_value)d characters long; at most %(limit_value)d are allowed."
    ),
    "ticket": gettext_lazy(
        "The ticket is %(show_value)d characters long; at most %(limit_value)d are allowed."
    ),
    "reason": gettext_lazy(
        "The reason is %(show_value)d characters long; at most %(limit_value)d are allowed."
    ),
}
_TYPED_FREELY = ("name", "description", "on_behalf_of", "ticket", "reason")
_one_line = RegexValidator(
    CONTROL,
    gettext_lazy("Remove the line break, tab or other control character."),
    inverse_match=True,
)


class Text(forms.CharField):
    """Django's, without its own word on NULs: each field has a rule for all control characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            validator
            for validator in self.validators
            if not isinstance(validator, ProhibitNullCharactersValidator)
        ]


class VolumeSelect(forms.Select):
    """The volumes in groups; those that take no snapshot now are shown and cannot be chosen."""

    closed: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.closed and not option["selected"]:
            option["attrs"]["disabled"] = True
        return option


class ConsentBox(forms.CheckboxInput):
    """A box that means yes only by its own value; Django's reads any text as yes, even `0`."""

    def __init__(self) -> None:
        super().__init__(check_test=lambda value: value in Consent.YES)

    def format_value(self, value: Any) -> str:
        return "true"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name, "")


class Consent(forms.Field):
    """A real boolean: ticked is true, blank and absent are false, anything else is refused."""

    widget = ConsentBox
    YES = (True, "true", "on")
    NO = (False, "false", "", None)

    def to_python(self, value: Any) -> bool:
        if value not in (*self.YES, *self.NO):
            raise ValidationError(_("Tick the box or leave it blank; what was sent is neither."))
        return value in self.YES

    def validate(self, value: Any) -> None:
        """Both answers are complete; whether consent is needed depends on the volume."""


class SnapshotForm(forms.Form):
    """What is asked for. All problems are told at once, each at its field."""

    error_css_class = "has-errors"

    key = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={"required": DAMAGED, "invalid": DAMAGED},
    )
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
    name = Text(
        label=gettext_lazy("Name"),
        required=False,
        strip=False,
        help_text=gettext_lazy("Shown in the cloud's console. Blank is allowed."),
    )
    description = Text(
        label=gettext_lazy("Description"),
        required=False,
        strip=False,
        help_text=gettext_lazy("One line, for people."),
    )
    on_behalf_of = Text(
        label=gettext_lazy("On behalf of"),
        required=False,
        max_length=150,
        error_messages={"max_length": TOO_LONG["on_behalf_of"]},
        validators=[_one_line],
        help_text=gettext_lazy(
            "Who asked you for this snapshot. With it, give a ticket or a reason."
        ),
    )
    ticket = Text(
        label=gettext_lazy("Ticket"),
        required=False,
        max_length=80,
        error_messages={"max_length": TOO_LONG["ticket"]},
        validators=[_one_line],
        help_text=gettext_lazy("Number of the change or incident, such as CHG-1042."),
    )
    reason = Text(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        error_messages={"max_length": TOO_LONG["reason"]},
        validators=[_one_line],
    )
    # Offered only where something typed looks like one.
    no_secret = Consent(label=SEND_IT, required=False)

    field_order = ["key", "volume_id", "force", "name", "description"]

    def __init__(
        self, *args: Any, requester: User, rows: Sequence[MetadataRow] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rows = list(rows) or [MetadataRow(0)]
        self.metadata: dict[str, str] = {}
        self.damage = ""  # what cannot be shown at any field
        self.seems_secret = False  # something typed does; known once it was checked
        # A cloud taken out of the settings leaves its volumes behind; nobody could send for them.
        names = set(clouds.cloud_names())
        self.volumes = [volume for volume in volumes_usable_by(requester) if volume.cloud in names]
        self._offer_volumes()
        if not may_request_for_others(requester):
            for name in ("on_behalf_of", "ticket", "reason"):
                del self.fields[name]

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
                ).format(volume=volume.label, status=volume.status)
            )
        return volume.volume_id

    def clean_name(self) -> str | None:
        name, problems = clean_name(
            self.cleaned_data["name"],
            profile=self.limits,
            reserved_prefixes=settings.EVSPORTAL_RESERVED_PREFIXES,
            refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
        )
        _raise(problems)
        return name

    def clean_description(self) -> str | None:
        description, problems = clean_description(
            self.cleaned_data["description"],
            profile=self.limits,
            refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
        )
        _raise(problems)
        return description

    def clean(self) -> dict[str, Any]:
        self._check_force()
        self._check_metadata()
        self._check_on_behalf_of()
        self._check_secrets()
        return self.cleaned_data

    def _check_force(self) -> None:
        volume = self.volume
        ticked = self.cleaned_data.get("force", True)  # absent: it has its own error already
        if volume is not None and volume.needs_force and not ticked:
            box = self.fields["force"].label
            message = _("{volume} is {status}: tick “{box}” to go on.")
            self.add_error(
                "force", message.format(volume=volume.label, status=volume.status, box=box)
            )

    def _check_metadata(self) -> None:
        self.metadata, problems = clean_metadata(
            [(row.key, row.value) for row in self.rows],
            refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
        )
        note_problems(self.rows, problems)
        if problems:
            self.add_error(None, _("Some metadata needs a change."))  # said at its rows
        if strange := unreadable_names(self.data):
            self.damage = _(
                "Metadata came in a field the portal cannot read, “{name}”."
                " It is not in the rows below: add it again."
            ).format(name=strange[0][:50])
            self.add_error(None, self.damage)

    def _check_on_behalf_of(self) -> None:
        fields = self.cleaned_data
        if fields.get("on_behalf_of") and not fields.get("ticket") and not fields.get("reason"):
            message = _("Give a ticket or a reason when you ask for somebody else.")
            self.add_error("ticket", message)

    def _check_secrets(self) -> None:
        """What goes to the cloud and into the trail stays there for good, so a person who
        types a secret is warned before. The message never repeats it.
        """
        for name in self.fields.keys() & set(_TYPED_FREELY):
            if kind := looks_secret(str(self[name].value() or "")):
                self._warn(kind, at=name)
        for row in self.rows:
            in_key, in_value = looks_secret(row.key), looks_secret(row.value, key=row.key)
            if in_key:
                self._warn(in_key, at=row.key_errors)
            if in_value:
                self._warn(in_value, at=row.value_errors)

    def _warn(self, kind: str, *, at: str | list[str]) -> None:
        self.seems_secret = True
        if self.cleaned_data.get("no_secret"):
            return
        values = {"kind": kind, "box": SEND_IT}
        if isinstance(at, str):
            message = _("“{field}” looks like {kind}. Take it out, or tick “{box}” below.")
            self.add_error(at, message.format(field=self.fields[at].label, **values))
        else:
            message = _("This looks like {kind}. Take it out, or tick “{box}” below.")
            at.append(message.format(**values))
            self.add_error(None, _("Some metadata looks like a secret."))  # said at its rows

    # --- for the page ------------------------------------------------------------------------

    @property
    def offers_force(self) -> bool:
        asked = self["force"].value() in Consent.YES
        return bool(self["force"].errors or asked or (self.volume and self.volume.needs_force))

    @property
    def offers_no_secret(self) -> bool:
        asked = self["no_secret"].value() in Consent.YES
        return bool(self["no_secret"].errors or asked or self.seems_secret)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every problem with the id of its field, in the page's order, for the summary."""
        fields = [
            ("main" if self[name].is_hidden else str(self[name].id_for_label), str(text))
            for name in self.fields
            for text in self.errors.get(name, [])
        ]
        rows = [
            (
                f"id_{name}",
                _("Metadata row {number}: {problem}").format(number=number, problem=text),
            )
            for number, row in enumerate(self.rows, start=1)
            for name, texts in (
                (row.key_name, row.key_errors),
                (row.value_name, row.value_errors),
            )
            for text in texts
        ]
        damage = [("metadata", self.damage)] if self.damage else []
        return fields + rows + damage

    @property
    def name_count(self) -> str:
        return self._count("name", self.limits.name_bytes, self.limits.name_chars)

    @property
    def description_count(self) -> str:
        limits = self.limits
        return self._count("description", limits.description_bytes, limits.description_chars)

    def _count(self, field: str, bytes_: int, chars: int | None) -> str:
        text = str(self[field].value() or "").strip()
        if not text:
            most = (
                _("At most {chars} characters, {bytes} bytes")
                if chars
                else _("At most {bytes} bytes")
            )
            return most.format(chars=chars, bytes=bytes_)
        parts = (
            [_("{used} of {most} characters").format(used=len(text), most=chars)] if chars else []
        )
        used = _("{used} of {most} bytes").format(used=utf8_length(text), most=bytes_)
        return ", ".join([*parts, used])


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise ValidationError(
            [ValidationError(problem.message, code=problem.code) for problem in problems]
        )


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
    size = _("size not told") if volume.size_gb is None else f"{volume.size_gb} GiB"
    parts = [volume.label, size, volume.status]
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


def new_key() -> uuid.UUID:
    """The number of a form that was just rendered: one submit of it is one operation."""
    return uuid.uuid4()
