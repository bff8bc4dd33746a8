"""Pieces that cells of several lists are made of."""

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


@lru_cache(maxsize=10_000, typed=True)  # a safe text equals an unsafe one
def long_text(text: str) -> SafeString:
    """Typed by somebody, of any length and direction: cut after some lines, in lists after as many
    as were chosen; the whole text in its tooltip.
    """
    return format_html('<bdi class="long" title="{}">{}</bdi>', text, text)


def one_line(text: str) -> SafeString:
    """Cut where its column ends; the whole text in its tooltip."""
    return format_html('<bdi class="one-line" title="{}">{}</bdi>', text, text)


def quiet(text: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', text)


def tag(text: str) -> SafeString:
    return format_html('<span class="tag">{}</span>', text) if text else SafeString()


def for_somebody(name: str) -> SafeString:
    """On whose behalf somebody acted, behind their name; nothing when for themselves."""
    if not name:
        return SafeString()
    before, _name, after = _("for {name}").partition("{name}")
    return format_html(' <span class="quiet">{}<bdi>{}</bdi>{}</span>', before, name, after)
