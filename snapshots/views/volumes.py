"""The volumes a person may see, and what is left of the quotas."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from snapshots import selectors
from snapshots.forms import SearchForm
from snapshots.views.access import PortalRequest, page_shown, with_a_role


@with_a_role
@require_safe
def volumes(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    visible = selectors.volumes_visible_to(request.user)
    page = selectors.volumes_page(
        selectors.volumes_matching(visible, text=form.text()), after=request.GET.get("after", "")
    )
    usable = selectors.volumes_usable_by(request.user)
    clouds = sorted({volume.cloud for volume in page.rows})
    context = {
        "form": form,
        "text": form.text(),
        "page": page,
        "usable": set(usable.values_list("pk", flat=True)),
        "quotas": selectors.quotas_of(clouds),
        "several_clouds": len(clouds) > 1,
        "stale": selectors.inventory_state(),
    }
    if not page.rows and not form.text():
        context |= {"reading": selectors.first_reading(), "page_address": request.path}
    return render(request, "snapshots/volumes.html", context)


@with_a_role
@require_safe
def first_reading(request: PortalRequest) -> HttpResponse:
    """Polled in place of a list that is not read yet; when it is, the whole page comes again."""
    reading = selectors.first_reading()
    if reading.is_over:
        return HttpResponseClientRefresh()
    context = {"reading": reading, "page_address": page_shown(request)}
    return render(request, "snapshots/_no_volumes.html", context)
