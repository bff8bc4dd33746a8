"""Signing in."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView

# The sandbox makes these, each with the password below; a portal for a real cloud has none.
DEMO_PASSWORD = "demo"  # noqa: S105 - public by intent
DEMO_ACCOUNTS = [
    ("alice", "staff: asks for her own volumes"),
    ("bob", "staff: other volumes"),
    ("helen", "helpdesk: asks for others"),
    ("audrey", "auditor: sees every request sent"),
    ("root", "administrator: people and grants"),
]


class PortalLoginView(LoginView):
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if settings.EVSPORTAL_MODE == "sandbox":
            context |= {"demo_accounts": DEMO_ACCOUNTS, "demo_password": DEMO_PASSWORD}
        return context
