"""The forms that give a grant: of volumes, by a rule, of a whole cloud."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from snapshots.forms.granting import (
    MOST_VOLUMES,
    CloudForm,
    GrantForm,
    RuleForm,
    VolumesForm,
    ids_by_line,
    shown_cloud,
    unknown_volume,
)
from snapshots.forms.seen import digest_of
from snapshots.localized import colon, figure, sentences
from snapshots.models import Volume, VolumeGrant
from snapshots.models.directions import isolated
from snapshots.operations.granting import give_grants
from snapshots.operations.people import OWN_RIGHTS_REFUSAL, record_refused_change
from snapshots.rights.matches import volumes_of_rule
from snapshots.rights.rules import is_without_limit
from snapshots.rights.visible import people_visible_to, volumes_visible_to
from snapshots.selectors.grants import volumes_with_ids
from snapshots.selectors.volumes import volumes_matching
from snapshots.views.access import PortalRequest, for_administrators
from snapshots.views.grants import tell_of_withdrawn
from snapshots.views.step_up import with_recent_proof

MOST_FOUND = 50
MOST_PREVIEWED = 20


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def new(request: PortalRequest) -> HttpResponse:
    """Of volumes by their ids. What was chosen is carried along from page to page."""
    form = _form(VolumesForm, request)
    choice = _choice(request)
    if request.POST.get("do") == "give" and not choice.unknown and form.is_valid():
        if choice.chosen:
            return _give(request, form, form.grants(row.volume_id for row in choice.chosen))
        form.add_error(None, _("Choose at least one volume."))
    return _page(request, "volume", form, {"choice": choice, "ids_text": choice.rest})


@for_administrators
@require_POST
def search(request: PortalRequest) -> HttpResponse:
    """The volumes to choose from, while somebody types."""
    return render(request, "snapshots/_grant_found.html", {"choice": _choice(request)})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def by_rule(request: PortalRequest) -> HttpResponse:
    """Given only after its preview was on the page."""
    form = _form(RuleForm, request)
    preview = None
    if request.method == "POST" and form.is_valid():
        preview = _preview(request, form.grant())
        is_seen = request.POST.get("previewed") == preview.digest
        if request.POST.get("do") == "give" and is_seen:
            if preview.is_everything:
                form.check_typed()
            if form.is_valid():
                return _give(request, form, [form.grant()])
    return _page(request, "rule", form, {"preview": preview})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
@with_recent_proof()
def of_cloud(request: PortalRequest) -> HttpResponse:
    form = _form(CloudForm, request)
    if request.method == "POST" and form.is_valid():
        return _give(request, form, [form.grant()])
    return _page(request, "cloud", form, {})


def _form(kind: type[Any], request: PortalRequest) -> Any:
    """Bound only when something is to be given or previewed: a search corrects nobody."""
    people = people_visible_to(request.user)
    if (do := request.POST.get("do")) in {"give", "preview"}:
        form = kind(request.POST, people=people, by=request.user)
        form.full_clean()
        if form.tries_own_rights and do == "give":
            record_refused_change(request.user.get_username(), str(OWN_RIGHTS_REFUSAL))
        return form
    names = ("person", "group", "cloud", "last_day", "q")
    data = request.POST or request.GET
    initial = {name: data[name] for name in names if name in data}
    if not initial.get("group", "").isdecimal():
        initial.pop("group", None)
    return kind(initial=initial, people=people, by=request.user)


def _page(
    request: PortalRequest, scope: str, form: GrantForm, context: dict[str, Any]
) -> HttpResponse:
    carried = QueryDict(mutable=True)
    for name in ("person", "group", "cloud", "last_day"):
        if text := (request.POST or request.GET).get(name, ""):
            carried[name] = text
    context |= {"form": form, "scope": scope, "carried": carried.urlencode()}
    return render(request, "snapshots/grant_new.html", context)


def _give(request: PortalRequest, form: GrantForm, grants: list[VolumeGrant]) -> HttpResponse:
    given = give_grants(grants)
    text = ngettext(
        "{count} grant was given to {holder}.", "{count} grants were given to {holder}.", given.new
    )
    results = [text.format(count=figure(given.new), holder=form.holder)] if given.new else []
    if given.changed:
        results.append(_("Of {count}, the end was changed.").format(count=figure(given.changed)))
    if given.unchanged:
        results.append(_("{count} were there already.").format(count=figure(given.unchanged)))
    messages.success(request, sentences(results))
    tell_of_withdrawn(request, given.withdrawn)
    return redirect("snapshots:grants")


# --- volumes by id ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """What the two panes show: what is chosen, and what may be."""

    chosen: list[Volume]
    offered: list[Volume]
    ticked: set[str]  # ids among the offered
    has_more: bool
    rest: str = ""  # of the pasted text: what could not be used
    unknown: list[str] = field(default_factory=list)  # sentences that say why


def _choice(request: PortalRequest) -> Choice:
    """From the form as it was sent. Only a button takes over what is ticked among the offered: a
    search while somebody types does not.
    """
    data = request.POST
    if any("\0" in text for _name, texts in data.lists() for text in texts):
        raise BadRequest("The form has a NUL in it.")  # PostgreSQL takes none in a query
    cloud, do = _cloud(request), data.get("do", "")
    ids, ticked = data.getlist("chosen"), data.getlist("found")
    unknown: list[str] = []
    rest = data.get("ids", "")
    if do:
        ids, ticked = [*ids, *ticked], []
    if do in {"add", "give"}:
        pasted, unknown, rest = _pasted(cloud, rest)
        ids += pasted
    chosen = volumes_with_ids(cloud, ids[: 2 * MOST_VOLUMES])
    gone = set(ids) - {row.volume_id for row in chosen}
    unknown += [
        f"{isolated(key[:64])}{colon()}{unknown_volume(cloud)}" for key in sorted(gone)[:20]
    ]
    if len(chosen) > MOST_VOLUMES:
        text = _("At most {most} volumes at once. Use a rule, or import the grants.")
        unknown.append(text.format(most=figure(MOST_VOLUMES)))
        chosen = chosen[:MOST_VOLUMES]
    first, others = _offered(request, cloud, chosen, ticked)
    return Choice(
        chosen=chosen,
        offered=[*first, *others[:MOST_FOUND]],
        ticked={row.volume_id for row in first},
        has_more=len(others) > MOST_FOUND,
        rest=rest,
        unknown=unknown,
    )


def _cloud(request: PortalRequest) -> str:
    """The cloud that was sent; without one, the cloud that a blank form has chosen."""
    if request.POST:
        return str(request.POST.get("cloud", ""))
    return shown_cloud(request.GET.get("cloud", ""))


def _offered(
    request: PortalRequest, cloud: str, chosen: list[Volume], ticked: list[str]
) -> tuple[list[Volume], list[Volume]]:
    """What was ticked before, which stays offered beside any search; and what matches."""
    volumes = volumes_visible_to(request.user).filter(cloud=cloud)
    volumes = volumes.exclude(pk__in=[row.pk for row in chosen])
    first = list(volumes.filter(volume_id__in=ticked[:MOST_VOLUMES]))
    others = volumes_matching(volumes, text=request.POST.get("q", "")[:200])
    others = others.exclude(pk__in=[row.pk for row in first]).order_by("name", "volume_id")
    return first, list(others[: MOST_FOUND + 1])


def _pasted(cloud: str, text: str) -> tuple[list[str], list[str], str]:
    """The ids of the cloud's volumes, what is said of the others, and the others."""
    pairs = list(ids_by_line(text[:100_000]))
    cloud_ids = _ids_in(cloud, [key for _line, key in pairs])
    others = [(line, key) for line, key in pairs if key not in cloud_ids]
    why = unknown_volume(cloud) if others else ""
    refusals = [
        _("Line {line}, {id}: {why}").format(line=line, id=isolated(key[:64]), why=why)
        for line, key in others[:20]
    ]
    if len(others) > len(refusals):
        refusals.append(_("And {count} more.").format(count=figure(len(others) - len(refusals))))
    ids = list(dict.fromkeys(key for _line, key in pairs if key in cloud_ids))
    return ids, refusals, "\n".join(key for _line, key in others)


def _ids_in(cloud: str, ids: Iterable[str]) -> set[str]:
    keys = list(dict.fromkeys(ids))[: 10 * MOST_VOLUMES]
    return {row.volume_id for row in volumes_with_ids(cloud, keys)}


# --- by rule ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule covers today."""

    count: int
    first: list[Volume]
    is_everything: bool
    digest: str


def _preview(request: PortalRequest, grant: VolumeGrant) -> Preview:
    rows = [row for row in volumes_of_rule(grant) if row.gone_at is None]
    everything = volumes_visible_to(request.user).filter(cloud=grant.cloud).count()
    return Preview(
        count=len(rows),
        first=rows[:MOST_PREVIEWED],
        is_everything=is_without_limit(grant) or (bool(rows) and len(rows) == everything),
        digest=digest_of({"cloud": grant.cloud, **grant.conditions}),
    )
