"""Names of the portal's cookies, and messages for the next page in one of them."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


def cookie_name(name: str) -> str:
    """The name with the prefix `__Host-` where the portal is served over TLS."""
    return f"{settings.COOKIE_PREFIX}{name}"


class _MessageCookie(CookieStorage):
    @property
    def cookie_name(self) -> str:  # type: ignore[override] # a plain attribute of Django's class
        return cookie_name("messages")


class MessageStorage(FallbackStorage):
    """Django's own default, under a cookie's name that depends on the settings."""

    storage_classes = (_MessageCookie, SessionStorage)
