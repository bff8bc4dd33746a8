"""The words that scripts need, in the language of the page."""

import json

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from snapshots.localized import comma

register = template.Library()

# Arabic with the digits 0 to 9, as `snapshots/localized.py` writes it.
_LOCALES = {"ar": "ar-u-nu-latn"}
# A number for each plural category of `Intl.PluralRules`. Where a language has fewer categories,
# its script never asks for the others.
_EXAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}


@register.simple_tag
def script_words() -> SafeString:
    """JSON that `page.js` reads. `{name}` is filled in by the script."""
    language = get_language() or settings.LANGUAGE_CODE
    texts = json.dumps(
        {
            "locale": _LOCALES.get(language, language),
            "now": _("just now"),
            "seconds": _("{seconds} s"),
            "minutes": _("{minutes} min {seconds} s"),
            "hours": _("{hours} h {minutes} min"),
            "days": _plurals("{count} day", "{count} days"),
            "copied": _("Copied"),
            "copiedAloud": _("Copied."),
            "selected": _("Selected: copy it"),
            "selectedAloud": _("It is selected; copy it with your keyboard."),
            "refused": _(
                "The portal refused to bring this page up to date (answer {status}). Please reload "
                "it."
            ),
            "lost": _(
                "No contact with the portal since {time}; what you see may be old. It is brought "
                "up to date as soon as there is contact."
            ),
            "regained": _("In contact with the portal again."),
            "rowAdded": _("Row added."),
            "rowRemoved": _("Row removed."),
            "characters": _("{used} of {most} characters"),
            "bytes": _("{used} of {most} bytes"),
            "tooMany": _plurals("{number} letter too many", "{number} letters too many"),
            "comma": comma(),
        },
        ensure_ascii=False,
    )
    return format_html('<meta id="words" name="words" content="{}">', texts)


def _plurals(singular: str, plural: str) -> dict[str, str]:
    return {category: ngettext(singular, plural, number) for category, number in _EXAMPLES.items()}
