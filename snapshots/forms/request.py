"""What every form that asks for something has: its key, name and description, for whom and why."""

import uuid
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from snapshots.evs.limits import (
    CONTROL,
    LimitsProfile,
    Problem,
    clean_description,
    clean_name,
    utf8_length,
)
from snapshots.forms.problems import problem_text
from snapshots.forms.secrets import looks_secret
from snapshots.localized import comma
from snapshots.rights.policy import Right, may

DAMAGED = gettext_lazy("This form was damaged on its way. Nothing was asked; send it again.")
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


class RequestForm(forms.Form):
    """What is asked for. All problems are told at once, each at its field."""

    error_css_class = "has-errors"

    key = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={"required": DAMAGED, "invalid": DAMAGED},
    )
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
        help_text=gettext_lazy("Who asked you for this. With it, give a ticket or a reason."),
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

    def __init__(self, *args: Any, requester: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seems_secret = False  # something typed does; known once it was checked
        self.withdrawn: list[str] = []  # what was sent for fields that are not offered
        if not may(requester, Right.REQUEST_FOR_OTHERS):
            for name in ("on_behalf_of", "ticket", "reason"):
                self.withdraw(name, _("Your role does not include this."))

    def withdraw(self, name: str, reason: str) -> None:
        """Take away a field that is not offered now. The page that was sent may be older and have
        had it: what a person chose there is never left out silently.
        """
        field = self.fields.pop(name)
        if self.data.get(name, "") not in Consent.NO:
            message = _("“{field}” is no longer possible. {reason} Nothing was asked.")
            self.withdrawn.append(message.format(field=field.label, reason=reason))

    @property
    @abstractmethod
    def limits(self) -> LimitsProfile:
        """Those of the cloud that is asked."""

    # --- checks ------------------------------------------------------------------------------

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
        for message in self.withdrawn:
            self.add_error(None, message)
        self._check_on_behalf_of()
        self._check_secrets()
        return self.cleaned_data

    def _check_on_behalf_of(self) -> None:
        fields = self.cleaned_data
        if fields.get("on_behalf_of") and not fields.get("ticket") and not fields.get("reason"):
            message = _("Give a ticket or a reason when you ask for somebody else.")
            self.add_error("ticket", message)

    def _check_secrets(self) -> None:
        """What goes to the cloud and into the trail stays there for good, so a person who types a
        secret is warned before. The warning never repeats it.
        """
        for name in self.fields.keys() & set(_TYPED_FREELY):
            if kind := looks_secret(str(self[name].value() or "")):
                self.warn_of_secret(kind, at=name)

    def warn_of_secret(self, kind: str, *, at: str | list[str]) -> None:
        """Add a warning at a field, or to a list of errors, unless the person has consented."""
        self.seems_secret = True
        if self.cleaned_data.get("no_secret"):
            return
        values = {"kind": _(kind), "box": SEND_IT}
        if isinstance(at, str):
            message = _("“{field}” looks like {kind}. Take it out, or tick “{box}” below.")
            self.add_error(at, message.format(field=self.fields[at].label, **values))
        else:
            message = _("This looks like {kind}. Take it out, or tick “{box}” below.")
            at.append(message.format(**values))
            self.add_error(None, _("Some metadata looks like a secret."))  # said at its rows

    # --- for the page ------------------------------------------------------------------------

    @property
    def offers_no_secret(self) -> bool:
        asked = self["no_secret"].value() in Consent.YES
        return bool(self["no_secret"].errors or asked or self.seems_secret)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every problem with the id of its field, in the page's order, for the summary."""
        return [
            ("main" if self[name].is_hidden else str(self[name].id_for_label), str(text))
            for name in self.fields
            for text in self.errors.get(name, [])
        ]

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
        parts.append(_("{used} of {most} bytes").format(used=utf8_length(text), most=bytes_))
        if number := _letters_too_many(text, bytes_, chars):
            sentence = ngettext("{number} letter too many", "{number} letters too many", number)
            parts.append(sentence.format(number=number))
        return comma().join(parts)


def _letters_too_many(text: str, bytes_: int, chars: int | None) -> int:
    """How many to take away from its end."""
    fitting, used = 0, 0
    for letter in text[:chars]:
        used += utf8_length(letter)
        if used > bytes_:
            break
        fitting += 1
    return len(text) - fitting


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise ValidationError(
            [ValidationError(problem_text(problem), code=problem.code) for problem in problems]
        )


def new_key() -> uuid.UUID:
    """The number of a form that was just rendered: one submit of it is one operation."""
    return uuid.uuid4()
