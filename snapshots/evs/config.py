"""What is to be known about one cloud before it can be called. Secrets never show in a repr."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredentials:
    """A user's password, and the project the token shall be for (IAM page iam_30_0001).

    `auth_url` ends in `/v3`. Domains and project may be named or given by id; the id wins. Huawei
    calls the domain the account name; a project named without a domain is the user's domain's.
    """

    auth_url: str
    username: str
    password: str = field(repr=False)
    user_domain_name: str = ""
    user_domain_id: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """One cloud: where it is, how it talks, what it allows, who we are there.

    `dialect` and `limits` name an entry of `dialects.DIALECTS` and `limits.PROFILES`. Without
    `endpoint` the token's catalog decides. `cacert` is a file (or folder) of certificates that
    replaces the built-in ones. `calls_per_second` of 0 means no pacing.
    """

    name: str
    auth: PasswordCredentials | KeyCredentials
    dialect: str = "native-v2"
    limits: str = "bytes-255"
    endpoint: str | None = None
    region: str = ""
    cacert: str | None = None
    calls_per_second: float = 10.0
