"""The volumes a person may see, and what is left of the quotas."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from snapshots.forms import SearchForm
from snapshots.selectors.clouds import inventory_state, quotas_of
from snapshots.selectors.readings import first_reading_state
from snapshots.selectors.volumes import (
    volumes_matching,
    volumes_page,
    volumes_usable_by,
    volumes_visible_to,
)
from snapshots.views.access import PortalRequest, current_page, with_a_role


@with_a_role
@require_safe
def volumes(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    visible = volumes_visible_to(request.user)
    page = volumes_page(
        volumes_matching(visible, text=form.text()), after=request.GET.get("after", "")
    )
    usable = volumes_usable_by(request.user)
    clouds = sorted({volume.cloud for volume in page.rows})
    context = {
        "form": form,
        "text": form.text(),
        "page": page,
        "usable": set(usable.values_list("pk", flat=True)),
        "quotas": quotas_of(clouds),
        "several_clouds": len(clouds) > 1,
        "stale": inventory_state(),
    }
    if not page.rows and not form.text():
        context |= {"reading": first_reading_state(), "page_address": request.path}
    return render(request, "snapshots/volumes.html", context)


@with_a_role
@require_safe
def first_reading(request: PortalRequest) -> HttpResponse:
    """Polled in place of a list that is not read yet; when it is, the whole page comes again."""
    reading = first_reading_state()
    if reading.is_over:
        return HttpResponseClientRefresh()
    context = {"reading": reading, "page_address": current_page(request)}
    return render(request, "snapshots/_no_volumes.html", context)
