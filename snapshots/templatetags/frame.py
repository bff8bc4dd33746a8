"""What stands around every page: the navigation, the banners, the version."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from django import template
from django.conf import settings
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext as _

from snapshots.models import Operation, roles_of
from snapshots.rights.policy import Right, may
from snapshots.selectors import portal as selectors
from snapshots.selectors.hanging import hanging_operations

register = template.Library()


_PROJECT = Path(settings.BASE_DIR, "pyproject.toml")
VERSION: str = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link of the navigation."""

    label: str
    address: str
    is_current: bool


@register.simple_tag
def is_sandbox() -> bool:
    """Whether nothing here is real."""
    return bool(settings.EVSPORTAL_MODE == "sandbox")


@register.simple_tag
def portal_state() -> selectors.PortalState:
    """What the banners say."""
    return selectors.portal_state()


@register.simple_tag(takes_context=True)
def hanging_requests(context: Context) -> list[Operation]:
    """What those who may end it are told on every page."""
    user = context["request"].user
    return hanging_operations() if may(user, Right.END_HANGING) else []


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[NavigationLink]:
    """The pages that this person may open."""
    request = context["request"]
    user = request.user
    links = []
    if roles_of(user):
        links += [
            (_("Requests"), "snapshots:requests"),
            (_("Snapshots"), "snapshots:snapshots"),
            (_("Volumes"), "snapshots:volumes"),
        ]
    if may(user, Right.AUDIT):
        links.append((_("Audit"), "snapshots:audit"))
    if may(user, Right.ADMINISTER):
        links.append((_("Administration"), "snapshots:people"))
    home, requests = reverse("snapshots:home"), reverse("snapshots:requests")
    path = requests if request.path == home else request.path
    return [
        NavigationLink(label, reverse(name), is_current=path == reverse(name))
        for label, name in links
    ]


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
    return VERSION
