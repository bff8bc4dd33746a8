"""Where a token's catalog says the block storage is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snapshots.evs.dialects import Dialect

# The version and the project are put behind the root by us, for the dialect in use.
_VERSION_TAIL = re.compile(r"/v(\d+)(?:\.\d+)?(?:/[^/]*)?/*$")


@dataclass(frozen=True, slots=True)
class Service:
    """One public endpoint of the catalog."""

    type: str
    region: str
    url: str


def api_root(url: str) -> str:
    """`url` without a trailing `/v3/{project_id}`, `/v2` or slash."""
    return _VERSION_TAIL.sub("", url).rstrip("/")


def read_catalog(catalog: object) -> tuple[Service, ...]:
    """The public endpoints of a token's `catalog`; what cannot be read is left out."""
    return tuple(_services(catalog))


def _services(catalog: object) -> Iterator[Service]:
    for entry in _objects(catalog):
        kind = entry.get("type")
        for endpoint in _objects(entry.get("endpoints")):
            url = endpoint.get("url")
            region = endpoint.get("region") or endpoint.get("region_id") or ""
            public = endpoint.get("interface") == "public"
            if public and isinstance(kind, str) and isinstance(url, str):
                yield Service(type=kind, region=str(region), url=url)


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def find_root(services: Iterable[Service], *, dialect: Dialect, region: str) -> str | None:
    """The root of the block storage API for `dialect` in `region` ("" for any); None if absent.

    An endpoint whose URL names another version does not fit.
    """
    fitting = [
        service
        for service in services
        if (not region or service.region == region) and _fits(service.url, dialect=dialect)
    ]
    for kind in dialect.service_types:
        for service in fitting:
            if service.type == kind:
                return api_root(service.url)
    return None


def _fits(url: str, *, dialect: Dialect) -> bool:
    match = _VERSION_TAIL.search(url)
    usable = url.startswith(("http://", "https://"))
    return usable and (match is None or f"v{match[1]}" == dialect.version)
