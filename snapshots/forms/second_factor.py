"""Codes of a second factor."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from snapshots.accounts import check_own_password
from snapshots.mfa.passkeys import LONGEST_NAME

CODE_ATTRIBUTES = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


def wrong_code(wait_seconds: int) -> str:
    if not wait_seconds:
        return str(_("This code is wrong, or was used before."))
    return ngettext(
        "Too many wrong codes: wait %(seconds)s second before the next.",
        "Too many wrong codes: wait %(seconds)s seconds before the next.",
        wait_seconds,
    ) % {"seconds": wait_seconds}


class CodeForm(forms.Form):
    code = forms.CharField(
        label=pgettext_lazy("of a second factor", "Code"),
        max_length=20,
        widget=forms.TextInput(attrs={**CODE_ATTRIBUTES, "autofocus": True}),
        help_text=_("Six digits of your authenticator app, or one of your spare codes."),
    )


REFUSAL = _("This passkey was not accepted. Try again, or take another way.")


class PasskeyForm(forms.Form):
    """The name of a passkey, by which its person knows it again."""

    name = forms.CharField(label=_("Name of a new passkey"), max_length=LONGEST_NAME)


class SetUpForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label=pgettext_lazy("of a second factor", "Code"),
        max_length=20,
        widget=forms.TextInput(attrs=CODE_ATTRIBUTES),
        help_text=_("The six digits that the app shows now."),
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self._request = request

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        person = self._request.user
        if not isinstance(person, User) or not check_own_password(self._request, person, password):
            raise ValidationError(_("This is not your password."))
        return password
