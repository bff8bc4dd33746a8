"""A person's own preferences."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import activate, get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from snapshots.forms.preferences import PreferencesForm
from snapshots.models import Preferences
from snapshots.selectors.preferences import note_browser_zone
from snapshots.views.access import PortalRequest, polled, signed_in


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: PortalRequest) -> HttpResponse:
    row = Preferences.objects.filter(user=request.user).first()
    row = row or Preferences(user=request.user, zone="UTC")
    form = PreferencesForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        activate(row.language or get_language_from_request(request))
        messages.success(request, _("Your preferences are saved."))
        return redirect("snapshots:preferences")
    return render(request, "snapshots/preferences.html", {"form": form})


@polled
@signed_in
@require_POST
def browser_zone(request: PortalRequest) -> HttpResponse:
    """A script tells the browser's time zone once, for somebody who has chosen none."""
    note_browser_zone(request.user, request.POST.get("zone", ""))
    return HttpResponse(status=204)
