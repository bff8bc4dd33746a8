"""What all units of work with a cloud share: the wire, the sign-in, the pace, the dialect."""

import threading
from typing import Unpack
from urllib.parse import urlsplit

from snapshots.evs.auth import Auth, Grant, SignedAuth, SignInLock, TokenAuth
from snapshots.evs.catalog import INTERFACES, api_root, find_root, is_address, is_open
from snapshots.evs.clock import SYSTEM_CLOCK, Clock
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    KeyCredentials,
    PasswordCredentials,
)
from snapshots.evs.dialects import COMPUTE, DIALECTS, Api, RollbackCall, rollback_call
from snapshots.evs.limits import PROFILES
from snapshots.evs.login import secrets_in
from snapshots.evs.wire import Wire, WireLimits


class Pacer:
    """Spreads calls evenly over time, for all threads of a process; a rate of 0 means no pacing.

    Unused time is not saved up, so no burst follows a pause.
    """

    def __init__(self, calls_per_second: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._least_gap = 1 / calls_per_second if calls_per_second > 0 else 0.0
        self._gap = self._least_gap
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def share(self, processes: int) -> None:
        """Divide the rate among so many processes."""
        with self._lock:
            self._gap = self._least_gap * max(processes, 1)

    def wait(self) -> None:
        """Wait until the next call may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._gap
        if mine > now:
            self._clock.sleep(mine - now)


class Connection:
    """The connection to a cloud, for all threads of a process; `connect` builds it once."""

    def __init__(self, config: CloudConfig, *, auth: Auth, wire: Wire, clock: Clock) -> None:
        self.name = config.name
        self.region = config.region
        self.dialect = DIALECTS[config.dialect]
        self.limits = PROFILES[config.limits]
        self.auth = auth
        self.secrets = secrets_in(config)
        self._config = config
        self.wire = wire
        self.clock = clock
        self.pacer = Pacer(config.calls_per_second, clock=clock)
        endpoints = {self.dialect.name: config.endpoint, COMPUTE.name: config.compute_endpoint}
        self._roots = {name: api_root(url) for name, url in endpoints.items() if url}

    @property
    def rollback_call(self) -> RollbackCall:
        """The rollback that this cloud speaks, as far as its settings say."""
        return rollback_call(self.dialect, limits=self.limits)

    def base_url(self, grant: Grant, api: Api | None = None) -> str:
        """The address before the paths of the dialect, or of `api`; NoEndpoint without one."""
        api = api or self.dialect
        root = self._roots.get(api.name) or find_root(
            grant.services,
            api=api,
            region=self.region,
            interface=self._config.interface,
            allow_http=self._config.allow_http,
        )
        return f"{root}/{api.version}/{grant.project_id}"

    def close(self) -> None:
        """Close idle connections."""
        self.wire.close()


def connect(
    config: CloudConfig,
    *,
    wire: Wire | None = None,
    clock: Clock = SYSTEM_CLOCK,
    sign_in_lock: SignInLock | None = None,
) -> Connection:
    """Build the connection that `config` describes; sends nothing.

    Without `wire` it gets a wire with default time limits; without `sign_in_lock` this process does
    not coordinate sign-ins with others. Raises ValueError, naming the cloud, for a configuration
    that cannot work: an unknown dialect or profile, a malformed or unencrypted address, no user, no
    project, a bad certificate.
    """
    _check(config)
    auth: Auth
    if isinstance(config.auth, KeyCredentials):
        auth = SignedAuth(config.auth, clock=clock)
    else:
        auth = TokenAuth(config.auth, clock=clock, sign_in_lock=sign_in_lock)
    return Connection(config, auth=auth, wire=wire or wire_to(config), clock=clock)


def wire_to(config: CloudConfig, **limits: Unpack[WireLimits]) -> Wire:
    """The wire to a cloud: its certificates and its proxy, with these limits or the defaults.

    Raises ValueError, naming the cloud, for certificates that cannot be used.
    """
    try:
        return Wire(
            ca_file=config.cacert,
            client_cert=config.client_cert,
            client_key=config.client_key,
            proxy=config.proxy,
            **limits,
        )
    except ValueError as error:
        raise ValueError(f"Cloud {config.name}: {error}") from error


def _check(config: CloudConfig) -> None:
    if config.dialect not in DIALECTS:
        _refuse(config, f"there is no dialect {config.dialect!r}, only {', '.join(DIALECTS)}")
    if config.limits not in PROFILES:
        _refuse(config, f"there are no limits {config.limits!r}, only {', '.join(PROFILES)}")
    if config.interface not in INTERFACES:
        _refuse(config, f"there is no interface {config.interface!r}, only {', '.join(INTERFACES)}")
    _check_endpoints(config)
    if isinstance(config.auth, KeyCredentials):
        _check_keys(config, config.auth)
        return
    _check_cloud_address(config, config.auth.auth_url, what="auth_url")
    if isinstance(config.auth, ApplicationCredentials):
        _check_application(config, config.auth)
        return
    if not (config.auth.project_id or config.auth.project_name):
        _refuse(config, "a project is needed, by project_id or project_name")
    if isinstance(config.auth, PasswordCredentials):
        _check_user(config, config.auth)


def _check_endpoints(config: CloudConfig) -> None:
    for what in ("endpoint", "compute_endpoint"):
        if url := getattr(config, what):
            _check_cloud_address(config, url, what=what)
    if config.proxy:
        _check_address(config, config.proxy.url, what="the proxy's url")


def _check_keys(config: CloudConfig, auth: KeyCredentials) -> None:
    if not config.endpoint:
        _refuse(config, "an access key pair has no catalog, so the endpoint must be configured")
    if not auth.project_id:
        _refuse(config, "a project_id is needed with an access key pair")


def _check_application(config: CloudConfig, auth: ApplicationCredentials) -> None:
    if auth.id:
        return
    if not auth.name:
        _refuse(config, "an application credential is needed by its id, or by its name and user")
    _check_user(config, auth)


def _check_user(config: CloudConfig, auth: PasswordCredentials | ApplicationCredentials) -> None:
    if auth.user_id:
        return
    if not auth.username:
        _refuse(config, "a user is needed, by username or user_id")
    if not (auth.user_domain_id or auth.user_domain_name):
        _refuse(config, "a username needs user_domain_name or user_domain_id beside it")


def _check_cloud_address(config: CloudConfig, url: str, *, what: str) -> None:
    _check_address(config, url, what=what)
    if is_open(url) and not config.allow_http:
        _refuse(
            config,
            f"{what} is plain http, which would show passwords and tokens to the network: write"
            " https://, or set evs.allow_http to true",
        )


def _check_address(config: CloudConfig, url: str, *, what: str) -> None:
    if not is_address(url):
        _refuse(config, f"{what} must start with http:// or https:// and name a host")
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        _refuse(config, f"{what} must hold neither a user, nor a query, nor a fragment")


def _refuse(config: CloudConfig, why: str) -> None:
    raise ValueError(f"Cloud {config.name}: {why}.")
