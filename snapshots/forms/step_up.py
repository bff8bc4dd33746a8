"""Confirm that it is you: the password, and the code of a second factor where there is one."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from snapshots.accounts import check_own_password
from snapshots.forms.second_factor import CODE_ATTRIBUTES, wrong_code
from snapshots.mfa.factors import check_code, has_factor


class ConfirmForm(forms.Form):
    """Braked as a sign-in is. Raises `TryLaterError`.

    `refusal` is the reason for the trail, "" while nothing was wrong; `second_factor` the kind of
    the code that was right; `wait_seconds`: no code is looked at before.
    """

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label=pgettext_lazy("of a second factor", "Code"),
        max_length=20,
        widget=forms.TextInput(attrs=CODE_ATTRIBUTES),
        help_text=_("Six digits of your authenticator app, or one of your spare codes."),
    )

    def __init__(self, request: HttpRequest, person: User, data: Any = None) -> None:
        super().__init__(data)
        self._request, self._person = request, person
        self.refusal = self.second_factor = ""
        self.wait_seconds = 0
        if not has_factor(self._person):
            del self.fields["code"]

    @property
    def proof(self) -> str:
        return f"password and {self.second_factor}" if self.second_factor else "password"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            self.refusal = "incomplete"
        elif not check_own_password(self._request, self._person, cleaned["password"]):
            self.refusal = "wrong password"
            self.add_error("password", _("This is not your password."))
        elif "code" in self.fields:
            self._check_code(cleaned["code"])
        return cleaned

    def _check_code(self, code: str) -> None:
        check = check_code(self._person, code)
        self.second_factor, self.wait_seconds = check.kind, check.wait_seconds
        if not check.is_right:
            self.refusal = "wrong second factor"
            self.add_error("code", wrong_code(check.wait_seconds))
