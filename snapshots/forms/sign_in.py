"""Signing in, and changing one's password."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.accounts import REFUSAL, check_own_password, is_refused_password


class SignInForm(AuthenticationForm):
    """Says why a published password opens nothing, whatever name was typed beside it."""

    def get_invalid_login_error(self) -> ValidationError:
        if is_refused_password(self.cleaned_data.get("password")):
            return ValidationError(REFUSAL, code="password_published")
        return super().get_invalid_login_error()


class ResetForm(forms.Form):
    account = forms.CharField(
        label=gettext_lazy("Username or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class PasswordForm(PasswordChangeForm):
    """The old password is braked as a sign-in is. Raises `TryLaterError`."""

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        self._request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if not check_own_password(self._request, self.user, password):
            message = self.error_messages["password_incorrect"]
            raise ValidationError(message, code="password_incorrect")
        return password

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        old = cleaned.get("old_password")
        if old and old == cleaned.get("new_password1"):
            message = _("This is the password that you have: choose another.")
            self.add_error("new_password1", ValidationError(message, code="password_unchanged"))
        return cleaned
