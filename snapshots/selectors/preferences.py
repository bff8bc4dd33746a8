"""How the person who looks at a page wants it to be: the language, the time zone, the
density, the shortcuts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import User

from snapshots.database.compiled import Compiled
from snapshots.models import Density, Preferences
from snapshots.models.people import type_of_user
from snapshots.rights.policy import Right, may


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """What the pages need to know of who looks at them."""

    zone: tzinfo = UTC
    zone_name: str = "UTC"
    density: Density = Density.COMPACT
    shortcuts: bool = True
    language: str = ""  # empty: as the browser asks
    utc_first: bool = False  # auditors compare with the trail, which is in UTC
    has_chosen: bool = True  # False: the browser is asked for its time zone


NOBODY = Viewer()
_viewer: ContextVar[Callable[[], Viewer]] = ContextVar("viewer", default=lambda: NOBODY)


def viewer() -> Viewer:
    """Who looks at the page that is made now; outside a request nobody, so that times are UTC."""
    return _viewer.get()()


@contextmanager
def viewing(user_of_request: Callable[[], type_of_user]) -> Iterator[None]:
    """In this block a page is made. The person is looked up when the page first needs it."""

    @cache
    def look_up() -> Viewer:
        return viewer_of(user_of_request())

    before = _viewer.set(look_up)
    try:
        yield
    finally:
        _viewer.reset(before)


def viewer_of(user: type_of_user) -> Viewer:
    """One query."""
    if not user.is_authenticated:
        return NOBODY
    rows = _CHOSEN.rows(user.pk)
    utc_first = may(user, Right.AUDIT)
    if not rows:
        return Viewer(utc_first=utc_first, has_chosen=False)
    ((zone_name, density, shortcuts, language),) = rows
    zone = zone_named(zone_name)
    return Viewer(
        zone=zone or UTC,
        zone_name=zone_name if zone else "UTC",
        density=Density(density),
        shortcuts=bool(shortcuts),
        language=language,
        utc_first=utc_first,
    )


_CHOSEN = Compiled(
    lambda key: Preferences.objects.filter(user=key).values_list(
        "zone", "density", "shortcuts", "language"
    )
)


def zone_named(name: str) -> tzinfo | None:
    """None where this machine knows no such zone."""
    return ZoneInfo(name) if name in zone_names() else None


@cache
def zone_names() -> frozenset[str]:
    """Of places, as browsers name them, and UTC."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def note_browser_zone(user: User, name: str) -> None:
    """Keep the browser's zone for somebody who has chosen nothing yet; an unknown one is UTC."""
    zone = name if name in zone_names() else "UTC"
    Preferences.objects.get_or_create(user=user, defaults={"zone": zone})
