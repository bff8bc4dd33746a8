"""The configured clouds, and a client for each of them.

`clouds_yaml` reads the file; docs/clouds.md says what it may contain.
"""

import json
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.crypto import salted_hmac

from snapshots import sandbox_account
from snapshots.audit.record.recorder import AuditRecorder
from snapshots.clouds_yaml import Chosen, full_path, read_clouds
from snapshots.evs.auth import SignInPause
from snapshots.evs.client import EvsClient
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    Credentials,
    KeyCredentials,
    PasswordCredentials,
    Proxy,
    TokenCredentials,
)
from snapshots.evs.connection import Connection, connect, wire_to
from snapshots.evs.dialects import DIALECTS, RollbackCall, rollback_call
from snapshots.evs.errors import EvsError, LoginFailed
from snapshots.evs.limits import PROFILES
from snapshots.evs.login import secrets_in
from snapshots.models import SignInAttempt, SignInPermit

SANDBOX = "sandbox"
MANUAL_SNAPSHOTS_OF_EVS = 7  # of a disk, by the user guide; the API documents no error for it


def cloud_names() -> list[str]:
    """The configured clouds, in the file's order."""
    return list(_configs())


def config_of(cloud: str) -> CloudConfig:
    """A cloud's configuration. Raises `ImproperlyConfigured` for an unknown name."""
    try:
        return _configs()[cloud]
    except KeyError as error:
        raise ImproperlyConfigured(f"There is no cloud named {cloud!r} in the settings.") from error


def profile_name(cloud: str) -> str:
    """The name of the limits profile for this cloud's names and descriptions."""
    return config_of(cloud).limits


def changes_metadata(cloud: str) -> bool:
    """Whether the cloud's dialect has calls for a snapshot's metadata."""
    return DIALECTS[config_of(cloud).dialect].metadata is not None


def takes_parallel_changes(cloud: str) -> bool:
    """Whether several changes of one volume may run at once. Not in a cloud without settings."""
    return cloud in _configs() and config_of(cloud).parallel_changes


def rollback_call_of(cloud: str) -> RollbackCall:
    """Which call of the cloud puts a snapshot's data back onto its volume."""
    config = config_of(cloud)
    return rollback_call(DIALECTS[config.dialect], limits=PROFILES[config.limits])


def manual_limit(cloud: str) -> int | None:
    """How many manual snapshots of a volume the cloud takes, where it is an EVS: a plain Cinder has
    no such limit. The clouds are told apart as for a rollback.
    """
    if cloud not in _configs():
        return None
    is_evs = rollback_call_of(cloud) is RollbackCall.ROLLBACK
    return MANUAL_SNAPSHOTS_OF_EVS if is_evs else None


def is_sandbox() -> bool:
    """Whether the portal talks to the simulated cloud."""
    return bool(settings.EVSPORTAL_MODE == "sandbox")


def client(cloud: str, recorder: AuditRecorder, *, cause: uuid.UUID | None = None) -> EvsClient:
    """A client for one unit of work. The process shares connection, token and pacing.

    It sends each request once: operations and duties schedule their own retries, and occupy no
    thread until then.
    """
    return EvsClient(_connection(cloud), recorder, pauses_seconds=(), cause=cause)


def share_pace(workers: int) -> None:
    """Divide each cloud's `calls_per_second` among so many workers."""
    for cloud in cloud_names():
        _connection(cloud).pacer.share(workers)


def secrets_of(cloud: str) -> tuple[str, ...]:
    """The secrets that must never be stored or displayed; the recorder masks them."""
    return secrets_in(config_of(cloud))


def forget() -> None:
    """Read the settings and sign in again at the next call (for tests and a reload)."""
    _configs.cache_clear()
    _connection.cache_clear()


@cache
def _connection(cloud: str) -> Connection:
    config = config_of(cloud)
    wire = wire_to(
        config,
        connect_seconds=settings.EVSPORTAL_CONNECT_SECONDS,
        read_seconds=settings.EVSPORTAL_READ_SECONDS,
        deadline_seconds=settings.EVSPORTAL_DEADLINE_SECONDS,
        pool_size=settings.EVSPORTAL_WORKER_THREADS + 2,
    )
    return connect(
        config, wire=wire, sign_in_lock=SharedSignInLock(cloud, credentials_digest(cloud))
    )


def settings_of(cloud: str) -> dict[str, str]:
    """A cloud's settings as the audit trail records them.

    A secret is recorded as a fingerprint made with the portal's own key, so that it cannot be
    guessed. The fingerprint changes when the secret or that key does; the key has its own
    fingerprint beside it. Addresses hold no secret: `clouds_yaml` refuses them.
    """
    config = config_of(cloud)
    details = {
        "dialect": config.dialect,
        "limits": config.limits,
        "endpoint": config.endpoint or "from the catalog",
        "endpoint of the compute service": config.compute_endpoint or "",
        # The default interface is left out, so that records differ only where settings do.
        "interface": "" if config.endpoint or config.interface == "public" else config.interface,
        "region": config.region,
        "calls per second": f"{config.calls_per_second:g}",
        "changes of a volume": "several at once" if config.parallel_changes else "",
        "certificates": config.cacert or "built in",
        "client certificate": config.client_cert,
        "key of the client certificate": config.client_key,
        "plain http": "allowed" if config.allow_http else "",
        **_proxy_details(config.proxy),
        **_credential_details(config.auth),
        "fingerprint of the secret": _fingerprint(secrets_of(cloud)),
        "made with the portal's key": _fingerprint(()),
    }
    return {name: text for name, text in details.items() if text}


def _proxy_details(proxy: Proxy | None) -> dict[str, str]:
    if proxy is None:
        return {}
    certificates = proxy.cacert or ("built in" if proxy.url.startswith("https:") else "")
    return {
        "proxy": proxy.url,
        "user at the proxy": proxy.username,
        "certificates for the proxy": certificates,
    }


def _credential_details(auth: Credentials) -> dict[str, str]:
    match auth:
        case KeyCredentials():
            temporary = " with a security token" if auth.security_token else ""
            return {"sign-in": f"access key{temporary}", "project": auth.project_id}
        case ApplicationCredentials():
            return {
                "sign-in": "application credential",
                "identity service": auth.auth_url,
                "application credential": auth.id or auth.name,
                "user": auth.user_id or auth.username,
                "account": auth.user_domain_id or auth.user_domain_name,
            }
        case TokenCredentials():
            kind, user, account = "token", "", ""
        case PasswordCredentials():
            kind, user = "password", auth.user_id or auth.username
            account = auth.user_domain_id or auth.user_domain_name
    return {
        "sign-in": kind,
        "identity service": auth.auth_url,
        "user": user,
        "account": account,
        "project": auth.project_id or auth.project_name,
        "account of the project": auth.project_domain_id or auth.project_domain_name,
    }


def _fingerprint(secrets: tuple[str, ...]) -> str:
    return salted_hmac("evsportal.cloud", "\0".join(secrets)).hexdigest()[:16]


def credentials_digest(cloud: str) -> str:
    """Identifies a set of credentials without revealing anything to those who lack SECRET_KEY.

    Everything that a sign-in sends counts, the project too: any of it may have been corrected.
    """
    auth = config_of(cloud).auth
    text = json.dumps([type(auth).__name__, asdict(auth)], sort_keys=True, default=str)
    return salted_hmac("evsportal.credentials", text, algorithm="sha256").hexdigest()


class SharedSignInLock:
    """With the same credentials only one process signs in at a time, and rarely after a refusal."""

    def __init__(self, cloud: str, credentials: str) -> None:
        self._cloud = cloud
        self._credentials = credentials
        self._permit: SignInPermit | None = None

    def acquire(self) -> SignInPause | None:
        """Lock the sign-in, unless another process has, or the cloud refused these credentials."""
        longest = timedelta(seconds=settings.EVSPORTAL_DEADLINE_SECONDS)
        permit = SignInAttempt.begin(self._credentials, cloud=self._cloud, longest=longest)
        if permit.is_granted:
            self._permit = permit
            return None
        return SignInPause(seconds=_seconds_until(permit.until), refused=permit.refused)

    def release(self, error: EvsError | None) -> float:
        """Record for all processes how the sign-in ended."""
        permit, self._permit = self._permit, None
        if permit is None:
            return 0.0
        retry_at = SignInAttempt.end(
            self._credentials,
            permit,
            succeeded=error is None,
            refused=isinstance(error, LoginFailed),
        )
        return _seconds_until(retry_at) if retry_at else 0.0


def _seconds_until(moment: datetime) -> float:
    return max((moment - timezone.now()).total_seconds(), 0.0)


@cache
def _configs() -> dict[str, CloudConfig]:
    if is_sandbox():
        return {SANDBOX: _sandbox_config()}
    if not settings.EVSPORTAL_CLOUDS:
        raise ImproperlyConfigured(
            "EVSPORTAL_CLOUDS is not set: name a clouds.yaml, or set EVSPORTAL_MODE=sandbox."
        )
    try:
        path = full_path(settings.EVSPORTAL_CLOUDS, folder=Path.cwd())
    except ValueError as error:
        raise ImproperlyConfigured(f"EVSPORTAL_CLOUDS: {error}.") from error
    return read_clouds(path, chosen=_chosen())


def _chosen() -> Chosen | None:
    """The entries that the settings choose: our own setting before that of OpenStack clients."""
    if settings.EVSPORTAL_CLOUD_NAMES:
        return Chosen(names=tuple(settings.EVSPORTAL_CLOUD_NAMES), setting="EVSPORTAL_CLOUD_NAMES")
    return Chosen(names=(settings.OS_CLOUD,), setting="OS_CLOUD") if settings.OS_CLOUD else None


def _sandbox_config() -> CloudConfig:
    return CloudConfig(
        name=SANDBOX,
        region=sandbox_account.REGION,
        auth=PasswordCredentials(
            auth_url=f"{settings.EVSPORTAL_SANDBOX_URL}/v3",
            username=sandbox_account.USERNAME,
            password=sandbox_account.PASSWORD,
            user_domain_name=sandbox_account.DOMAIN,
            project_name=sandbox_account.PROJECT_NAME,
            project_domain_name=sandbox_account.DOMAIN,
        ),
        calls_per_second=100,
        allow_http=True,  # its password is printed in the documentation
    )
