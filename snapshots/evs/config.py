"""The settings needed to call a cloud. No repr displays a secret."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredentials:
    """A user's password, and the project that the token is for (IAM page iam_30_0001).

    `auth_url` ends in `/v3`. User, domains and project are given by name or id; the id wins. A user
    given by id needs no domain. Huawei calls the domain the account name; a project named without a
    domain belongs to the user's domain.
    """

    auth_url: str
    password: str = field(repr=False)
    username: str = ""
    user_id: str = ""
    user_domain_name: str = ""
    user_domain_id: str = ""
    project_name: str = ""
    project_id: str = ""
    project_domain_name: str = ""
    project_domain_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCredentials:
    """An application credential of Keystone: by id, or by name and its user.

    It belongs to one project, so no project is named. `auth_url` ends in `/v3`.
    """

    auth_url: str
    secret: str = field(repr=False)
    id: str = ""
    name: str = ""
    username: str = ""
    user_id: str = ""
    user_domain_name: str = ""
    user_domain_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredentials:
    """A token obtained elsewhere, exchanged for a token of the named project.

    It cannot be renewed: after it has expired, signing in is refused. `auth_url` ends in `/v3`.
    """

    auth_url: str
    token: str = field(repr=False)
    project_name: str = ""
    project_id: str = ""
    project_domain_name: str = ""
    project_domain_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCredentials:
    """An access key pair; `security_token` goes with temporary pairs (page api-sign-algorithm)."""

    access_key: str
    secret_key: str = field(repr=False)
    project_id: str
    security_token: str | None = field(default=None, repr=False)


IdentityCredentials = PasswordCredentials | ApplicationCredentials | TokenCredentials
Credentials = IdentityCredentials | KeyCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy between the portal and a cloud.

    `url` is `http://host:port` or `https://host:port`, without a user. `cacert` verifies the
    proxy's own certificate, "" for the built-in authorities.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    cacert: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """A cloud: its address, its dialect and limits, and our credentials.

    `dialect` and `limits` name an entry of `dialects.DIALECTS` and `limits.PROFILES`. Without
    `endpoint` or `compute_endpoint` the token's catalog decides: its entry of this `interface`
    (public, internal or admin) and `region`. `cacert` is a file (or folder) of certificates that
    replaces the built-in authorities; `client_cert` and `client_key` are files for a server that
    asks for a client certificate (`client_key` is empty when the certificate's file holds the key).
    Plain http is refused unless the host is loopback or `allow_http` is set. `calls_per_second` of
    0 means no pacing. `parallel_changes`: one volume may be changed several times at once.
    """

    name: str
    auth: Credentials
    dialect: str = "native-v2"
    limits: str = "bytes-255"
    endpoint: str | None = None
    compute_endpoint: str | None = None
    interface: str = "public"
    region: str = ""
    cacert: str | None = None
    client_cert: str = ""
    client_key: str = ""
    proxy: Proxy | None = None
    allow_http: bool = False
    calls_per_second: float = 10.0
    parallel_changes: bool = False
