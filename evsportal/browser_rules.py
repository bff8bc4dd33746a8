"""What each answer tells the browser, whoever gives it: a page, a static file, the web server."""

from django.conf import settings

_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
BROWSER_RULES = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def content_policy(form_origin: str = "") -> str:
    """The Content-Security-Policy. Browsers apply `form-action` to the redirect that answers a form
    too: signing in and out by the provider needs its origin.
    """
    directives = dict(settings.SECURE_CSP)
    if form_origin:
        directives["form-action"] = [*directives["form-action"], form_origin]
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
