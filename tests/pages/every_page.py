"""The addresses of every page of the portal."""

from django.urls import URLResolver, get_resolver, reverse

# Files, pictures, answers to programs; forms that a page of the table sends; the provider's.
NO_PAGES = {
    "audit_export", "browser_zone", "grant_export", "group", "healthz", "logout", "metrics",
    "passkey", "passkey_add", "passkey_challenge", "passkey_options", "passkey_sign_in",
    "people_export", "provider_callback", "provider_signed_out", "provider_start",
    "question_export", "readyz", "second_factor_picture", "snapshot_export",
}  # fmt: skip


def _routes(resolver, space=""):
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _routes(one, f"{one.namespace}:")
        elif one.name and one.name not in NO_PAGES:
            yield space + one.name, one.pattern.converters


def addresses(values):
    for name, converters in _routes(get_resolver()):
        longest = max((len(values[key]) for key in converters), default=1)
        for number in range(longest):
            arguments = {key: values[key][min(number, len(values[key]) - 1)] for key in converters}
            yield reverse(name, kwargs=arguments)
