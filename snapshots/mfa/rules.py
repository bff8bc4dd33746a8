"""What a person may open whose role needs a second factor, and who has none."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from snapshots.mfa.factors import has_factor
from snapshots.mfa.session import OPEN, lacks_factor
from snapshots.sign_in.one_time import must_choose
from snapshots.step_up import is_unasked, lead_to


class SecondFactorRules:
    """Leads people whose role needs a second factor to set it up, whatever they ask for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.EVSPORTAL_SECOND_FACTOR_ROLES or match is None or match.view_name in OPEN:
            return None
        if getattr(match.func, "access_rule", "") == "public" or not lacks_factor(request):
            return None
        if must_choose(request):
            return None  # an own password comes first
        if has_factor(request.user):  # type: ignore[arg-type] # signed in, before they had it
            if not is_unasked(request):  # it may come before the session of a set-up is saved
                logout(request)
            return lead_to(request, reverse("login"))
        return lead_to(request, reverse("second_factor_settings"))
