"""Counts each answer of the web by its view. Addresses hold ids and names, so none is kept."""

from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver

from evsportal import figures

ADMINISTRATION, STATIC, NO_VIEW = "admin", "static files", "none"


def count_answer(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    """Add the answer to the figures of this server."""
    number = view_numbers()[_view_of(request)]
    figures.of_server().answered(number, status=response.status_code, seconds=seconds)


@cache
def view_numbers() -> dict[str, int]:
    """The number of each view in `evsportal.figures`, the same in all processes of a server."""
    names = {ADMINISTRATION, STATIC, NO_VIEW, *_route_names(get_resolver())}
    return {name: number for number, name in enumerate(sorted(names))}


def _route_names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            if part.namespace != ADMINISTRATION:
                yield from _route_names(part, f"{part.namespace}:" if part.namespace else space)
        elif isinstance(part, URLPattern) and part.name:
            yield f"{space}{part.name}"


def _view_of(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        is_file = request.path_info.startswith(f"/{settings.STATIC_URL.lstrip('/')}")
        return STATIC if is_file else NO_VIEW
    name = ADMINISTRATION if ADMINISTRATION in match.namespaces else match.view_name
    return name if name in view_numbers() else NO_VIEW
