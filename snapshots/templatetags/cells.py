"""Pieces that cells of several lists are made of."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def long_text(text: str) -> SafeString:
    """Typed by somebody, of any length and direction: cut after three lines."""
    return format_html('<bdi class="long">{}</bdi>', text)


def quiet(text: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', text)


def tag(text: str) -> SafeString:
    return format_html('<span class="tag">{}</span>', text) if text else SafeString()


def for_somebody(name: str) -> SafeString:
    """On whose behalf somebody acted, below their name; nothing when for themselves."""
    if not name:
        return SafeString()
    before, _name, after = _("for {name}").partition("{name}")
    return format_html('<br><span class="quiet">{}<bdi>{}</bdi>{}</span>', before, name, after)
