"""What all units of work with one cloud share: the wire, who we are, the pace, the dialect."""

import threading
from urllib.parse import urlsplit

from snapshots.evs.auth import Auth, Grant, SignedAuth, SignInLock, TokenAuth
from snapshots.evs.catalog import api_root, find_root
from snapshots.evs.clock import SYSTEM_CLOCK, Clock
from snapshots.evs.config import CloudConfig, KeyCredentials, PasswordCredentials
from snapshots.evs.dialects import DIALECTS
from snapshots.evs.errors import NoSuchApi
from snapshots.evs.limits import PROFILES
from snapshots.evs.wire import Wire


class Pacer:
    """Spreads calls evenly over time, for all threads together; a rate of 0 means no pacing.

    Nothing is saved up while there is nothing to send, so nothing bursts out afterwards.
    """

    def __init__(self, calls_per_second: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._least_gap = 1 / calls_per_second if calls_per_second > 0 else 0.0
        self._gap = self._least_gap
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def share(self, processes: int) -> None:
        """Leave room for others: so many processes keep the rate together."""
        with self._lock:
            self._gap = self._least_gap * max(processes, 1)

    def wait(self) -> None:
        """Return when the next call may leave."""
        with self._lock:
            now = self._clock.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._gap
        if mine > now:
            self._clock.sleep(mine - now)


class Connection:
    """One cloud, for all threads of a process; built once by `connect`."""

    def __init__(self, config: CloudConfig, *, auth: Auth, wire: Wire, clock: Clock) -> None:
        self.name = config.name
        self.region = config.region
        self.dialect = DIALECTS[config.dialect]
        self.limits = PROFILES[config.limits]
        self.auth = auth
        self.secrets = _secrets_in(config)
        self.wire = wire
        self.clock = clock
        self.pacer = Pacer(config.calls_per_second, clock=clock)
        self._endpoint = api_root(config.endpoint) if config.endpoint else None

    def base_url(self, grant: Grant) -> str:
        """The address that the dialect's paths follow; NoSuchApi when nobody knows it."""
        root = self._endpoint or find_root(grant.services, dialect=self.dialect, region=self.region)
        if root is None:
            raise NoSuchApi(
                f"The catalog of {self.name} names no public {self.dialect.service_types[0]}"
                f" endpoint for {self.dialect.name} in region {self.region or 'any'}."
                " Set the endpoint in the configuration.",
            )
        return f"{root}/{self.dialect.version}/{grant.project_id}"

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

    Without `wire` one with its default time limits is made; without `sign_in_lock` this process
    signs in alone. Raises ValueError, naming the cloud, for what cannot work: an unknown dialect or
    profile, an address that is none, no project.
    """
    _check(config)
    auth: Auth
    if isinstance(config.auth, KeyCredentials):
        auth = SignedAuth(config.auth, clock=clock)
    else:
        auth = TokenAuth(config.auth, clock=clock, sign_in_lock=sign_in_lock)
    return Connection(config, auth=auth, wire=wire or Wire(ca_file=config.cacert), clock=clock)


def _secrets_in(config: CloudConfig) -> tuple[str, ...]:
    if isinstance(config.auth, PasswordCredentials):
        return (config.auth.password,)
    auth = config.auth
    return tuple(filter(None, (auth.access_key, auth.secret_key, auth.security_token)))


def _check(config: CloudConfig) -> None:
    if config.dialect not in DIALECTS:
        _refuse(config, f"there is no dialect {config.dialect!r}, only {', '.join(DIALECTS)}")
    if config.limits not in PROFILES:
        _refuse(config, f"there are no limits {config.limits!r}, only {', '.join(PROFILES)}")
    if config.endpoint:
        _check_address(config, config.endpoint, what="endpoint")
    if isinstance(config.auth, PasswordCredentials):
        _check_address(config, config.auth.auth_url, what="auth_url")
        if not (config.auth.project_id or config.auth.project_name):
            _refuse(config, "a project is needed, by project_id or project_name")
    elif not config.endpoint:
        _refuse(config, "an access key pair has no catalog, so the endpoint must be configured")
    elif not config.auth.project_id:
        _refuse(config, "a project_id is needed with an access key pair")


def _check_address(config: CloudConfig, url: str, *, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _refuse(config, f"{what} must start with http:// or https:// and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        _refuse(config, f"{what} must hold neither a user, nor a query, nor a fragment")


def _refuse(config: CloudConfig, why: str) -> None:
    raise ValueError(f"Cloud {config.name}: {why}.")
