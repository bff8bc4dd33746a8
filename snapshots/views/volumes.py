"""The volumes a person may see, and what is left of the quotas."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snapshots import selectors
from snapshots.forms import SearchForm
from snapshots.views.access import PortalRequest, with_a_role


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
    return render(request, "snapshots/volumes.html", context)
