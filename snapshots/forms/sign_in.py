"""Signing in."""

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from snapshots.accounts import REFUSAL, is_refused_password


class SignInForm(AuthenticationForm):
    """Says why a published password opens nothing, whatever name was typed beside it."""

    def get_invalid_login_error(self) -> ValidationError:
        if is_refused_password(self.cleaned_data.get("password")):
            return ValidationError(REFUSAL, code="password_published")
        return super().get_invalid_login_error()
