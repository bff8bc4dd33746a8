"""What stands around every page: the navigation, the banners, the version."""

from dataclasses import dataclass
from typing import Literal

from django import template
from django.conf import settings
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext as _

from evsportal import __version__
from evsportal.logs import current_request_id
from snapshots.models import Operation, roles_of
from snapshots.rights.policy import Right, may
from snapshots.selectors import kept
from snapshots.selectors.portal import PortalState
from snapshots.selectors.preferences import Viewer
from snapshots.selectors.preferences import viewer as who_looks

register = template.Library()


# And below its own address.
_BELOW = {"/requests/": ("/batches/",), "/people/": ("/groups/", "/grants/")}


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link of the navigation."""

    label: str
    address: str
    current: Literal["page", "true", ""]  # as `aria-current` says it: the page, or one below it


@register.simple_tag
def request_id() -> str:
    """What people quote of the request that is being answered: its own id, without that of a proxy;
    empty outside of one. The log's lines have it.
    """
    return current_request_id().rpartition("/")[2]


@register.simple_tag
def is_sandbox() -> bool:
    """Whether nothing here is real."""
    return bool(settings.EVSPORTAL_MODE == "sandbox")


@register.simple_tag
def viewer() -> Viewer:
    """How the person who looks wants the page to be."""
    return who_looks()


@register.simple_tag
def portal_state() -> PortalState:
    """What the banners say."""
    return kept.portal_state()


@register.simple_tag(takes_context=True)
def hanging_requests(context: Context) -> list[Operation]:
    """What those who may end it are told on every page."""
    user = context["request"].user
    return kept.hanging_operations() if may(user, Right.END_HANGING) else []


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[NavigationLink]:
    """The pages that this person may open."""
    request = context["request"]
    user = request.user
    links = []
    if roles_of(user):
        links += [
            (_("Home"), "snapshots:home"),
            (_("Requests"), "snapshots:requests"),
            (_("Snapshots"), "snapshots:snapshots"),
            (_("Volumes"), "snapshots:volumes"),
        ]
    if may(user, Right.AUDIT):
        links.append((_("Audit"), "snapshots:audit"))
    if may(user, Right.ADMINISTER):
        links.append((_("Administration"), "snapshots:people"))
    return [
        NavigationLink(label, reverse(name), _current(reverse(name), request.path))
        for label, name in links
    ]


def _current(place: str, path: str) -> Literal["page", "true", ""]:
    if path == place:
        return "page"
    below = () if place == reverse("snapshots:home") else (place, *_BELOW.get(place, ()))
    return "true" if path.startswith(below) else ""


@register.filter
def may_ask(user: object) -> bool:
    """Whether this person may ask for snapshots."""
    return may(user, Right.REQUEST)  # type: ignore[arg-type]


@register.filter
def has_a_role(user: object) -> bool:
    return bool(roles_of(user))  # type: ignore[arg-type]


@register.simple_tag
def version() -> str:
    """Of this portal, for support."""
    return __version__
