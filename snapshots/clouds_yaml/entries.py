"""Reads an entry of `clouds.yaml`, for one region, into the configuration of a cloud."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from snapshots.clouds_yaml import texts
from snapshots.clouds_yaml.documents import Kind, Scalar, Table, Value
from snapshots.clouds_yaml.schema import (
    AUTH_FOREIGN,
    AUTH_KEYS,
    AUTH_NAMES,
    BLOCK_STORAGE,
    BLOCK_STORAGE_OF_VERSION,
    ENTRY_KEYS,
    ENTRY_NAMES,
    ENTRY_REFUSED,
    EVS_KEYS,
    PROXY_KEYS,
    entry_suggestions,
    is_foreign,
)
from snapshots.clouds_yaml.section import Report, Section
from snapshots.clouds_yaml.sign_in import read_credentials
from snapshots.evs.config import CloudConfig, KeyCredentials, Proxy
from snapshots.evs.dialects import DEFAULT_DIALECT, DIALECTS
from snapshots.evs.limits import PROFILES

CALLS_PER_SECOND = 5.0
MOST_CALLS_PER_SECOND = 1000
_DEFAULT_LIMITS = "bytes-255"
_INTERFACES = {
    f"{name}{ending}": name for name in ("public", "internal", "admin") for ending in ("", "url")
}
_DIALECT_OF_VERSION = {"2": "native-v2", "3": "native-v3"}
_OLD_AUTH_NAMES = frozenset(name for names in AUTH_NAMES.values() for name in names)


def entry_section(table: Table, *, report: Report, folder: Path) -> Section:
    """The entry, with older names of its keys replaced by today's."""
    renamed = {old: new for new, names in ENTRY_NAMES.items() for old in names}
    entries: dict[str, Value] = {}
    labels: dict[str, str] = {}
    locations = dict(table.key_locations)
    for name, value in table.entries.items():
        key = renamed.get(name, name)
        if key in entries:
            message = f"{name} stands beside {labels.get(key, key)}; keep one of them."
            report.add(message, location=table.key_locations[name])
            continue
        entries[key], locations[key], labels[key] = value, table.key_locations[name], name
    new = Table(entries, locations, table.location)
    return Section(table=new, report=report, folder=folder, labels=labels)


def read_entry(name: str, section: Section, *, region: str) -> CloudConfig | None:
    """The cloud that an entry describes. None, or an incomplete configuration, when the report has
    a mistake.
    """
    _check_keys(section)
    _check_identity_version(section)
    _check_verification(section)
    evs = section.section("evs") or _empty(section, "evs.")
    evs.check_keys(EVS_KEYS)
    region = _service_text(section, "region_name") or region
    allow_http = evs.truth("allow_http") or False
    auth = read_credentials(section, region=region, allow_http=allow_http)
    storage = _read_storage(section, evs, allow_http=allow_http)
    cacert, (cert, key) = _trust(section, "cacert"), _client_certificate(section)
    config = CloudConfig(
        name=name,
        auth=auth or KeyCredentials(access_key="", secret_key="", project_id=""),
        dialect=storage.dialect,
        limits=evs.choice("limits", PROFILES, default=_DEFAULT_LIMITS),
        endpoint=storage.endpoint or None,
        compute_endpoint=_compute_endpoint(evs, allow_http=allow_http) or None,
        interface=_interface(section),
        region=region,
        cacert=cacert or None,
        client_cert=cert,
        client_key=key,
        proxy=_proxy(evs),
        allow_http=allow_http,
        calls_per_second=_pace(section, evs),
        parallel_changes=evs.truth("parallel_changes") or False,
    )
    if auth is None:
        return None
    _check_combination(config, section=section, evs=evs, storage=storage)
    return config


def _empty(section: Section, prefix: str) -> Section:
    table = Table({}, {}, section.table.location)
    return Section(table=table, report=section.report, folder=section.folder, prefix=prefix)


def _check_keys(section: Section) -> None:
    foreign = {key for key in section.table.entries if is_foreign(key)}
    section.check_keys(
        ENTRY_KEYS | AUTH_KEYS | AUTH_FOREIGN | _OLD_AUTH_NAMES | foreign,
        refused=ENTRY_REFUSED,
        suggestions=entry_suggestions(),
    )


def _check_identity_version(section: Section) -> None:
    value = section.table.entries.get("identity_api_version")
    if value is None:
        return
    written = value.text if isinstance(value, Scalar) else ""
    if not re.fullmatch(r"v?3(\.\d+)?", written):
        section.refuse(
            "identity_api_version",
            "must be 3, the only version of the identity service that the portal speaks",
        )


# --- certificates and proxy -----------------------------------------------------------------------


def _check_verification(section: Section) -> None:
    for key, right in (("verify", "true"), ("insecure", "false")):
        value = section.table.entries.get(key)
        is_right = isinstance(value, Scalar) and value.kind is Kind.TRUTH
        if value is not None and not (is_right and section.truth(key) is (right == "true")):
            section.refuse(
                key,
                f"can only be {right}, since certificates are always verified; name the file of the"
                " cloud's certificate authority as `cacert` and take this key away",
            )


def _trust(section: Section, key: str) -> str:
    """A file, or folder, of certificates that verify a server."""
    path = section.file(key, private=False, may_be_folder=True)
    if path is None:
        return ""
    if path.is_file():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except (ssl.SSLError, OSError):
            section.refuse(key, f"names {path}, which holds no certificate in PEM form")
    return str(path)


def _client_certificate(section: Section) -> tuple[str, str]:
    """The files of the client certificate; the certificate's file may hold the key."""
    has_key = section.has("key")
    if has_key and (not section.has("cert") or section.is_empty("cert")):
        section.refuse("key", "stands without `cert`; name the certificate's file too")
    cert = section.file("cert", private=not has_key)
    key = section.file("key", private=True)
    if cert is None or (has_key and key is None):
        return "", ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        section.refuse(
            "cert",
            f"names {cert}, which is not a certificate in PEM form with its private key"
            " (in the same file or in `key`, without a password)",
        )
    return str(cert), str(key or "")


def _proxy(evs: Section) -> Proxy | None:
    """The proxy, written as an address or as a table."""
    value = evs.table.entries.get("proxy")
    if value is None:
        return None
    if isinstance(value, Scalar) and value.kind is not Kind.NOTHING:
        url = _proxy_address(evs, "proxy")
        return Proxy(url=url) if url else None
    section = evs.section("proxy")
    if section is None:
        return None
    section.check_keys(PROXY_KEYS)
    if not section.is_mentioned("url") or section.is_empty("url"):
        section.refuse("url", "is missing; write http://host:port")
    url, username = _proxy_address(section, "url"), section.text("username")
    password, cacert = section.secret("password"), _trust(section, "cacert")
    if section.is_mentioned("password") and not section.is_mentioned("username"):
        section.refuse("username", "is missing, and a password is there")
    if cacert and url.startswith("http://"):
        problem = (
            "is for a proxy with https:// only; a cloud's authority belongs to the entry's cacert"
        )
        section.refuse("cacert", problem)
    return Proxy(url=url, username=username, password=password, cacert=cacert)


def _proxy_address(section: Section, key: str) -> str:
    text = section.text(key)
    if re.match(r"socks\w*://", text):
        section.refuse(key, "names a SOCKS proxy; only http:// and https:// proxies can be used")
        return ""
    if "@" in text:
        problem = "holds a user or password; write `proxy: {url, username, password_file}`"
        section.refuse(key, problem)
        return ""
    url = section.address(key).rstrip("/")
    if url.count("/") > 2:
        section.refuse(key, "has a path, and a proxy has none; write http://host:port")
        return ""
    return url


# --- block storage --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    dialect: str
    endpoint: str
    endpoint_label: str


def _read_storage(section: Section, evs: Section, *, allow_http: bool) -> _Storage:
    """The address and dialect of block storage. Without `evs.dialect`, other keys decide the
    version.
    """
    dialect = evs.choice("dialect", DIALECTS, default="")
    version = _storage_version(section)
    hint = f"v{version}" if version else ""
    if dialect:
        hint = DIALECTS[dialect].version
    endpoint, label, source = _endpoint(section, evs, version=hint)
    at_end, _project = texts.version_and_project(endpoint)
    if not dialect:
        dialect = _DIALECT_OF_VERSION.get((hint or at_end).removeprefix("v"), DEFAULT_DIALECT)
    speaks = DIALECTS[dialect].version
    if at_end and at_end != speaks and source:
        source.refuse(
            label,
            f"ends in /{at_end}, and the dialect {dialect} speaks {speaks}; write"
            " an evs.dialect that fits",
        )
    if source and texts.is_plain_http(endpoint) and not allow_http:
        source.refuse(label, texts.PLAIN_HTTP_WORDS)
    _check_service(section, dialect=dialect)
    return _Storage(
        dialect=dialect,
        endpoint=endpoint,
        endpoint_label=source.label(label) if source else "",
    )


def _storage_version(section: Section) -> str:
    """The `2` or `3` of `volume_api_version`, as number or text; "" when absent."""
    for service in BLOCK_STORAGE:
        key = f"{service}_api_version"
        value = section.table.entries.get(key)
        if value is None:
            continue
        match = re.fullmatch(r"v?([23])(\.\d+)?", value.text if isinstance(value, Scalar) else "")
        if match:
            return match[1]
        section.refuse(key, "must be 2 or 3, the versions of block storage that the portal speaks")
    return ""


def _endpoint(section: Section, evs: Section, *, version: str) -> tuple[str, str, Section | None]:
    """The endpoint that the file gives, the key that gives it, and the key's section."""
    services = [*BLOCK_STORAGE, *_of_version(version)]
    sources = [(evs, "endpoint")]
    for ending in ("endpoint_override", "endpoint"):  # the second is older, and still read
        sources += [(section, f"{service}_{ending}") for service in services]
    given = [(source.address(key), key, source) for source, key in sources if source.has(key)]
    given = [item for item in given if item[0]]
    for url, key, source in given[1:]:
        if texts.comparable(url) != texts.comparable(given[0][0]):
            first = given[0][2].label(given[0][1])
            source.refuse(key, f"names another address than {first}; keep one of them")
    return given[0] if given else ("", "", None)


def _compute_endpoint(evs: Section, *, allow_http: bool) -> str:
    """From our own key alone: what an entry says of it for other programs was never checked."""
    url = evs.address("compute_endpoint")
    if texts.is_plain_http(url) and not allow_http:
        evs.refuse("compute_endpoint", texts.PLAIN_HTTP_WORDS)
    return url


def _of_version(version: str) -> list[str]:
    """`volumev2` or `volumev3`; both when no key gives the version."""
    service = BLOCK_STORAGE_OF_VERSION.get(version)
    return [service] if service else list(BLOCK_STORAGE_OF_VERSION.values())


def _service_text(section: Section, ending: str) -> str:
    """The entry's value for block storage only, such as `volume_region_name`."""
    services = (*BLOCK_STORAGE, *BLOCK_STORAGE_OF_VERSION.values())
    keys = [f"{name}_{ending}" for name in services if section.has(f"{name}_{ending}")]
    values = [section.text(key) for key in keys]
    for key, value in zip(keys[1:], values[1:], strict=True):
        if value != values[0]:
            section.refuse(key, f"says something else than {keys[0]}; keep one of them")
    return values[0] if values else ""


def _check_service(section: Section, *, dialect: str) -> None:
    """The catalog is searched by the dialect's own service types."""
    types = DIALECTS[dialect].service_types
    written = _service_text(section, "service_type")
    for service in (*BLOCK_STORAGE, *BLOCK_STORAGE_OF_VERSION.values()):
        key = f"{service}_service_type"
        if section.has(key) and written and written not in types:
            expected = f"the types that {dialect} looks for ({', '.join(types)})"
            problem = f"is none of {expected}; write evs.endpoint"
            section.refuse(key, problem)
        key = f"{service}_service_name"
        if section.has(key):
            section.refuse(key, "is not read: the catalog is searched by type; write evs.endpoint")


def _interface(section: Section) -> str:
    chosen = "public"
    keys = ["interface"]
    for service in (*BLOCK_STORAGE, *BLOCK_STORAGE_OF_VERSION.values()):
        keys += [f"{service}_interface", f"{service}_endpoint_type"]
    for key in keys:
        if not section.has(key):
            continue
        text = section.text(key)
        if text and text.lower() not in _INTERFACES:
            section.refuse(key, f"is {text!r}; it must be public, internal or admin")
        chosen = _INTERFACES.get(text.lower(), chosen)
    return chosen


def _pace(section: Section, evs: Section) -> float:
    """The portal's own rate, or the rate of other clients, which may be given for each service."""
    rate = evs.number("calls_per_second", most=MOST_CALLS_PER_SECOND)
    if rate is not None or evs.has("calls_per_second"):
        return rate or CALLS_PER_SECOND
    value = section.table.entries.get("rate_limit")
    if isinstance(value, Table):
        per_service = section.section("rate_limit")
        keys = [key for key in value.entries if key.replace("-", "_") in BLOCK_STORAGE]
        rates = [per_service.number(key, most=MOST_CALLS_PER_SECOND) for key in keys if per_service]
        return next(filter(None, rates), CALLS_PER_SECOND)
    return section.number("rate_limit", most=MOST_CALLS_PER_SECOND) or CALLS_PER_SECOND


# --- combinations of keys -------------------------------------------------------------------------


def _check_combination(
    config: CloudConfig, *, section: Section, evs: Section, storage: _Storage
) -> None:
    auth, location = config.auth, section.table.location
    if (
        isinstance(auth, KeyCredentials)
        and not config.endpoint
        and not evs.is_mentioned("endpoint")
    ):
        message = "auth_type aksk needs evs.endpoint, since without a sign-in there is no catalog."
        section.report.add(message, location=location)
    _version, project = texts.version_and_project(config.endpoint or "")
    ours = getattr(auth, "project_id", "")
    if project and ours and project.removeprefix("AUTH_") != ours:
        message = (
            f"{storage.endpoint_label} names another project than project_id; let it end before."
        )
        section.report.add(message, location=location)
