"""The assembler: reads which clouds there are, and builds a client for one of them.

A `clouds.yaml` as OpenStack clients read it; a `secure.yaml` beside it is merged over it. Per cloud
one table of our own, `evs`. Any secret `x` may be given as `x_file` or `x_env` instead.
"""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.crypto import salted_hmac

from snapshots.audit.recorder import AuditRecorder
from snapshots.evs.auth import SignInPause
from snapshots.evs.client import EvsClient
from snapshots.evs.config import CloudConfig, KeyCredentials, PasswordCredentials
from snapshots.evs.connection import Connection, connect
from snapshots.evs.dialects import DIALECTS
from snapshots.evs.errors import EvsError, LoginFailed
from snapshots.evs.limits import PROFILES
from snapshots.evs.wire import Wire
from snapshots.models import SignInAttempt, SignInPermit
from snapshots.sandbox import scenarios

SANDBOX = "sandbox"
SECRETS = ("password", "secret_key", "security_token")


def cloud_names() -> list[str]:
    """The configured clouds, in the file's order."""
    return list(_configs())


def config_of(cloud: str) -> CloudConfig:
    """One cloud's configuration. Raises `ImproperlyConfigured` for a name that is not there."""
    try:
        return _configs()[cloud]
    except KeyError as error:
        raise ImproperlyConfigured(f"There is no cloud named {cloud!r} in the settings.") from error


def profile_name(cloud: str) -> str:
    """The name of the limits profile that this cloud's names and descriptions must keep."""
    return config_of(cloud).limits


def is_sandbox() -> bool:
    """Whether the portal talks to the simulated cloud."""
    return bool(settings.EVSPORTAL_MODE == "sandbox")


def client(cloud: str, recorder: AuditRecorder) -> EvsClient:
    """A client for one piece of work. Connection, token and pacing are shared in the process.

    It asks once: operations and duties plan their own next try, and hold no thread meanwhile.
    """
    return EvsClient(_connection(cloud), recorder, pauses_seconds=())


def share_pace(workers: int) -> None:
    """So many workers keep each cloud's `calls_per_second` together."""
    for cloud in cloud_names():
        _connection(cloud).pacer.share(workers)


def secrets_of(cloud: str) -> tuple[str, ...]:
    """What must never be stored or shown, for the recorder to strike out."""
    auth = config_of(cloud).auth
    if isinstance(auth, PasswordCredentials):
        return (auth.password,)
    return tuple(filter(None, (auth.access_key, auth.secret_key, auth.security_token)))


def forget() -> None:
    """Read the settings anew at the next call, and sign in anew (for tests and a reload)."""
    _configs.cache_clear()
    _connection.cache_clear()


@cache
def _connection(cloud: str) -> Connection:
    config = config_of(cloud)
    wire = Wire(
        connect_seconds=settings.EVSPORTAL_CONNECT_SECONDS,
        read_seconds=settings.EVSPORTAL_READ_SECONDS,
        deadline_seconds=settings.EVSPORTAL_DEADLINE_SECONDS,
        ca_file=config.cacert,
        pool_size=settings.EVSPORTAL_WORKER_THREADS + 2,
    )
    return connect(
        config, wire=wire, sign_in_lock=SharedSignInLock(cloud, credentials_digest(cloud))
    )


def settings_of(cloud: str) -> dict[str, str]:
    """What the trail tells of a cloud's settings. Of a secret a fingerprint, made with the portal's
    own key so that it cannot be guessed at: it changes when the secret does, or that key, which has
    a fingerprint beside it. Addresses hold no secret: `connect` refuses such.
    """
    config = config_of(cloud)
    told = {
        "dialect": config.dialect,
        "limits": config.limits,
        "endpoint": config.endpoint or "from the catalog",
        "region": config.region,
        "calls per second": f"{config.calls_per_second:g}",
        "certificates": config.cacert or "built in",
        **_told_credentials(config.auth),
        "fingerprint of the secret": _fingerprint(secrets_of(cloud)),
        "made with the portal's key": _fingerprint(()),
    }
    return {name: text for name, text in told.items() if text}


def _told_credentials(auth: PasswordCredentials | KeyCredentials) -> dict[str, str]:
    if isinstance(auth, KeyCredentials):
        return {"sign-in": "access key", "project": auth.project_id}
    return {
        "sign-in": "password",
        "identity service": auth.auth_url,
        "user": auth.username,
        "account": auth.user_domain_id or auth.user_domain_name,
        "project": auth.project_id or auth.project_name,
    }


def _fingerprint(secrets: tuple[str, ...]) -> str:
    return salted_hmac("evsportal.cloud", "\0".join(secrets)).hexdigest()[:16]


def credentials_digest(cloud: str) -> str:
    """Tells one set of credentials from another, and nothing about them to who lacks SECRET_KEY.

    All that a sign-in sends counts, the project too: each may be what was corrected.
    """
    auth = config_of(cloud).auth
    text = json.dumps([type(auth).__name__, asdict(auth)], sort_keys=True, default=str)
    return salted_hmac("evsportal.credentials", text, algorithm="sha256").hexdigest()


class SharedSignInLock:
    """All processes sign in one at a time with the same credentials, rarely after a refusal."""

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
        """Note for all processes how the sign-in ended."""
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
    return read_clouds(Path(settings.EVSPORTAL_CLOUDS))


def _sandbox_config() -> CloudConfig:
    return CloudConfig(
        name=SANDBOX,
        region=scenarios.REGION,
        auth=PasswordCredentials(
            auth_url=f"{settings.EVSPORTAL_SANDBOX_URL}/v3",
            username=scenarios.USERNAME,
            password=scenarios.PASSWORD,
            user_domain_name=scenarios.DOMAIN,
            project_name=scenarios.PROJECT_NAME,
            project_domain_name=scenarios.DOMAIN,
        ),
        calls_per_second=100,
    )


# --- clouds.yaml -----------------------------------------------------------------------------


def read_clouds(path: Path) -> dict[str, CloudConfig]:
    """The clouds of a `clouds.yaml`. Raises `ImproperlyConfigured` naming file and entry."""
    tables = _clouds_table(path)
    secure = path.with_name("secure.yaml")
    if secure.exists():
        tables = _merged(tables, _clouds_table(secure))
    if not tables:
        raise ImproperlyConfigured(f"{path}: no cloud under 'clouds:'.")
    return {str(name): _cloud(str(name), table, path) for name, table in tables.items()}


def _clouds_table(path: Path) -> dict[str, Any]:
    _refuse_open_file(path)
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The parser's own text may quote the line with the password.
        raise ImproperlyConfigured(f"{path}: this is not readable as YAML.") from error
    clouds = table.get("clouds") if isinstance(table, dict) else None
    if not isinstance(clouds, dict) or not all(isinstance(one, dict) for one in clouds.values()):
        raise ImproperlyConfigured(f"{path}: 'clouds:' must hold one table for each cloud.")
    return clouds


def _refuse_open_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}.") from error
    if mode & stat.S_IROTH:
        raise ImproperlyConfigured(f"{path} is readable by everybody: run chmod o-rwx on it.")


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def _cloud(name: str, table: Mapping[str, Any], path: Path) -> CloudConfig:
    where = f"{path}: cloud {name!r}"
    evs = _table(table, "evs", where)
    cacert = str(table.get("cacert") or "") or None
    if cacert and not Path(cacert).is_file():
        raise ImproperlyConfigured(f"{where}: cacert {cacert} is not a file.")
    if table.get("verify") is False or table.get("insecure"):
        raise ImproperlyConfigured(
            f"{where}: certificates are always verified; name the authority's file as 'cacert'."
        )
    config = CloudConfig(
        name=name,
        region=str(table.get("region_name") or ""),
        auth=_credentials(table, where, path.parent),
        endpoint=str(evs.get("endpoint") or "") or None,
        dialect=_one_of(evs, "dialect", "native-v2", DIALECTS, where),
        limits=_one_of(evs, "limits", "bytes-255", PROFILES, where),
        calls_per_second=_rate(evs, where),
        cacert=cacert,
    )
    try:
        connect(config)  # sends nothing; refuses what cannot work
    except ValueError as error:
        raise ImproperlyConfigured(f"{path}: {error}") from error
    return config


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        raise ImproperlyConfigured(f"{where}: '{key}' must be a table.")
    return inner


def _one_of(
    table: Mapping[str, Any], key: str, default: str, known: Mapping[str, Any], where: str
) -> str:
    value = str(table.get(key) or default)
    if value not in known:
        raise ImproperlyConfigured(
            f"{where}: evs.{key} is {value!r}; it must be one of: {', '.join(sorted(known))}."
        )
    return value


def _rate(evs: Mapping[str, Any], where: str) -> float:
    value = evs.get("calls_per_second", 5)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1000:
        raise ImproperlyConfigured(f"{where}: evs.calls_per_second must be above 0, at most 1000.")
    return float(value)


def _credentials(
    table: Mapping[str, Any], where: str, folder: Path
) -> PasswordCredentials | KeyCredentials:
    auth = _revealed(_table(table, "auth", where), where, folder)
    kind = str(table.get("auth_type") or "password")
    if kind == "aksk":
        if not _table(table, "evs", where).get("endpoint"):
            raise ImproperlyConfigured(f"{where}: auth_type aksk needs evs.endpoint (no catalog).")
        return KeyCredentials(
            access_key=_needed(auth, "access_key", where),
            secret_key=_needed(auth, "secret_key", where),
            security_token=str(auth.get("security_token") or "") or None,
            project_id=_needed(auth, "project_id", where),
        )
    if kind not in {"password", "v3password"}:
        raise ImproperlyConfigured(f"{where}: auth_type {kind!r}; use password or aksk.")
    if not (auth.get("project_id") or auth.get("project_name")):
        raise ImproperlyConfigured(f"{where}: auth needs project_id or project_name.")
    texts = {key: str(auth[key]) for key in _PLAIN if auth.get(key)}
    if not {"user_domain_name", "user_domain_id"} & texts.keys():
        raise ImproperlyConfigured(f"{where}: auth needs user_domain_name (the account's name).")
    return PasswordCredentials(
        auth_url=_identity_root(_needed(auth, "auth_url", where)),
        username=_needed(auth, "username", where),
        password=_needed(auth, "password", where),
        **texts,
    )


_PLAIN = (
    "user_domain_name",
    "user_domain_id",
    "project_name",
    "project_id",
    "project_domain_name",
    "project_domain_id",
)


def _identity_root(url: str) -> str:
    """People write the address with and without `/v3`."""
    url = url.rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"


def _needed(auth: Mapping[str, Any], key: str, where: str) -> str:
    value = auth.get(key) or ""
    if not isinstance(value, str):  # 0123456 is another number in YAML
        raise ImproperlyConfigured(f"{where}: put auth.{key} into quotes.")
    if not value:
        raise ImproperlyConfigured(f"{where}: auth.{key} is missing.")
    return value


def _revealed(auth: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    """The table with its secrets in place of the `..._file` and `..._env` that point at them. A
    file's relative path counts from the folder of `clouds.yaml`.
    """
    revealed = dict(auth)
    for key in SECRETS:
        if auth.get(f"{key}_file"):
            revealed[key] = _secret_in_file(folder / str(auth[f"{key}_file"]), where)
        elif auth.get(f"{key}_env"):
            revealed[key] = _secret_in_environment(str(auth[f"{key}_env"]), where)
    return revealed


def _secret_in_file(path: Path, where: str) -> str:
    _refuse_open_file(path)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{where}: {path} cannot be read.") from error


def _secret_in_environment(name: str, where: str) -> str:
    if name not in os.environ:
        raise ImproperlyConfigured(f"{where}: the variable {name} is not set.")
    return os.environ[name]
