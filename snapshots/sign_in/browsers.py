"""Short words for a browser, so that people recognize their own devices.

A browser says what it likes, so only words of these tables are stored. The first that fits counts:
nearly every browser also calls itself Chrome, Safari and Mozilla.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

PROGRAM = gettext_noop("a Python program")
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", PROGRAM),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN = gettext_noop("Unknown browser")


def browser_words(user_agent: str) -> str:
    """Such as "Firefox on Linux"."""
    browser = _first(_BROWSERS, user_agent) or UNKNOWN
    system = _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def shown_words(stored: str) -> str:
    """What `browser_words` stored, in the language of the page."""
    browser, separator, system = stored.partition(" on ")
    browser = _(browser) if browser in {UNKNOWN, PROGRAM} else browser
    if not separator:
        return browser
    return _("{browser} on {system}").format(browser=browser, system=system)


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((label for mark, label in table if mark in user_agent), "")
