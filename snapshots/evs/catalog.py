"""Finds the address of an API in a token's catalog."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from snapshots.evs.dialects import Api
from snapshots.evs.errors import NoEndpoint

INTERFACES = ("public", "internal", "admin")
# The client appends version and project to the root, as the dialect needs them.
_VERSION_TAIL = re.compile(r"/v(\d+)(?:\.\d+)?(?:/[^/]*)?/*$")


@dataclass(frozen=True, slots=True)
class Service:
    """One endpoint of the catalog."""

    type: str
    region: str
    url: str
    interface: str = "public"


def api_root(url: str) -> str:
    """`url` without a trailing `/v3/{project_id}`, `/v2` or slash."""
    return _VERSION_TAIL.sub("", url).rstrip("/")


def is_address(url: str) -> bool:
    """Whether `url` is http or https and names a host, and a port only as a number."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # "[::1", or a port that is no number
        return False


def is_open(url: str) -> bool:
    """Whether `url` would send passwords and tokens unencrypted to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def read_catalog(catalog: object) -> tuple[Service, ...]:
    """The endpoints of a token's `catalog`, without those that cannot be read."""
    return tuple(_services(catalog))


def _services(catalog: object) -> Iterator[Service]:
    for entry in _objects(catalog):
        kind = entry.get("type")
        for endpoint in _objects(entry.get("endpoints")):
            url, interface = endpoint.get("url"), endpoint.get("interface")
            region = endpoint.get("region") or endpoint.get("region_id") or ""
            if isinstance(kind, str) and isinstance(url, str) and interface in INTERFACES:
                yield Service(type=kind, region=str(region), url=url, interface=str(interface))


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def find_root(
    services: Iterable[Service],
    *,
    api: Api,
    region: str,
    interface: str = "public",
    allow_http: bool = False,
) -> str:
    """The root of `api` in `region`.

    Ignores an endpoint that `Api` says does not count. Raises `NoEndpoint`, whose message says
    what to set: no endpoint is left; `region` is empty and the catalog has several; or the endpoint
    is plain http beyond loopback and `allow_http` is false.
    """
    fitting = [
        service
        for service in services
        if service.type in api.service_types and _fits(service.url, api=api)
    ]
    reachable = [service for service in fitting if service.interface == interface]
    if not reachable:
        raise _no_interface(fitting, api=api, interface=interface)
    region = _region(reachable, region, api=api)
    here = [service for service in reachable if service.region == region]
    chosen = min(here, key=lambda service: api.service_types.index(service.type))
    if is_open(chosen.url) and not allow_http:
        raise NoEndpoint(
            f"The catalog's endpoint {api_root(chosen.url)} is plain http, which would show tokens"
            " to the network: have the cloud offer https, or set `evs.allow_http: true`."
        )
    return api_root(chosen.url)


def _region(services: Iterable[Service], region: str, *, api: Api) -> str:
    """`region`, or the catalog's only region."""
    regions = sorted({service.region for service in services})
    if not region and len(regions) == 1:
        return regions[0]
    if region in regions and region:
        return region
    names = ", ".join(name or "(without a name)" for name in regions)
    if region:
        raise NoEndpoint(
            f"The catalog has no region {region} for the {api.title}, only: {names}."
            " Write the right one as `region_name`."
        )
    raise NoEndpoint(
        f"The catalog has the {api.title} in several regions: {names}."
        " Write the one that is meant as `region_name`."
    )


def _no_interface(fitting: list[Service], *, api: Api, interface: str) -> NoEndpoint:
    others = sorted({service.interface for service in fitting})
    advice = f"set `interface` to {' or '.join(others)}, or name" if others else "name"
    return NoEndpoint(
        f"The catalog names no {interface} {api.service_types[0]} endpoint for"
        f" {api.name}: {advice} the address as `{api.setting}`."
    )


def _fits(url: str, *, api: Api) -> bool:
    match = _VERSION_TAIL.search(url)
    is_ours = match is None or api.any_version or f"v{match[1]}" == api.version
    return is_address(url) and is_ours
