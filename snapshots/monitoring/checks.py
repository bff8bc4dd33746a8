"""The token of monitoring cannot be guessed."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LEAST_LENGTH = 32


@register
def check_metrics_token(**_kwargs: Any) -> list[CheckMessage]:
    token = settings.EVSPORTAL_METRICS_TOKEN
    if not token or (len(token) >= LEAST_LENGTH and token.isascii() and token.isprintable()):
        return []
    return [
        Error(
            "EVSPORTAL_METRICS_TOKEN is no token that monitoring can send and nobody can guess.",
            hint=f"Use {LEAST_LENGTH} or more random letters and digits: openssl rand -hex 32.",
            id="evsportal.E070",
        )
    ]
