"""The portal's own icons: one drawing of all, and what shows one of them."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# Drawn from where a line begins: mirrored where lines begin at the right.
_POINTING = frozenset({"trail"})


@register.simple_tag
def icon(name: str) -> SafeString:
    """Beside words, shown or read aloud: it says nothing itself."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " icon--pointing" if name in _POINTING else "",
        static("img/icons.svg"),
        name,
    )
