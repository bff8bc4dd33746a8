"""Texts made of several names, and the marks between texts."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from snapshots import localized
from snapshots.models.directions import isolated

register = template.Library()
register.filter(isolated)
for mark in (
    localized.between_names,
    localized.between_sentences,
    localized.comma,
    localized.semicolon,
    localized.colon,
    localized.stop,
):
    register.simple_tag(mark)


@register.simple_tag
def strong_list(names: Sequence[str]) -> SafeString:
    """`A`, `A and B`, `A, B and C`: each name in bold."""
    if len(names) < 2:
        return format_html_join("", "<strong>{}</strong>", ((name,) for name in names))
    first = format_html_join(
        localized.between_names(), "<strong>{}</strong>", ((name,) for name in names[:-1])
    )
    last = format_html("<strong>{}</strong>", names[-1])
    return format_html(_("{first} and {last}"), first=first, last=last)
