"""Reads how the portal signs in to a cloud: the `auth` table, by the type of credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from snapshots.clouds_yaml import texts
from snapshots.clouds_yaml.documents import Scalar, Table, Value
from snapshots.clouds_yaml.mistakes import Location
from snapshots.clouds_yaml.schema import (
    AUTH_FOREIGN,
    AUTH_KEYS,
    AUTH_NAMES,
    AUTH_REFUSED,
    SECRETS,
    nearest,
)
from snapshots.clouds_yaml.section import Section
from snapshots.evs.config import (
    ApplicationCredentials,
    Credentials,
    KeyCredentials,
    PasswordCredentials,
    TokenCredentials,
)

PASSWORD, APPLICATION, TOKEN, KEYS = "password", "v3applicationcredential", "v3token", "aksk"

_KINDS = {
    "password": PASSWORD,
    "v3password": PASSWORD,
    "v3applicationcredential": APPLICATION,
    "applicationcredential": APPLICATION,
    "token": TOKEN,
    "v3token": TOKEN,
    "aksk": KEYS,
}
_A_PERSON = (
    "is not spoken, since it needs a person or another service at each sign-in; use"
    " v3applicationcredential"
)
_OLD = "is of version 2 of the identity service, which the portal does not speak; use password"
_NO_IDENTITY = (
    "signs in to no project of an identity service; use password or v3applicationcredential, or"
    " aksk with evs.endpoint"
)
_REFUSED_KINDS = {
    **dict.fromkeys(("v2password", "v2token"), _OLD),
    **dict.fromkeys(("none", "noauth", "None", "admin_token", "token_endpoint"), _NO_IDENTITY),
    **dict.fromkeys(("http_basic", "gnocchi_basic", "gnocchi_noauth"), _NO_IDENTITY),
    **dict.fromkeys(("v3totp", "v3multifactor", "v3kerberos", "v3adfspassword"), _A_PERSON),
    **dict.fromkeys(("v3fedkerb", "v3tokenlessauth", "v3samlpassword"), _A_PERSON),
    **dict.fromkeys(("v3oauth1", "v3oauth2clientcredential", "v3websso"), _A_PERSON),
    **dict.fromkeys(("v3oauth2mtlsclientcredential",), _A_PERSON),
}

_USER = frozenset({"username", "user_id", "user_domain_id", "user_domain_name"})
_DEFAULTS = frozenset({"domain_id", "domain_name", "default_domain_id", "default_domain_name"})
_PROJECT = frozenset({"project_id", "project_name", "project_domain_id", "project_domain_name"})
_APPLICATION = frozenset({"application_credential_id", "application_credential_name"})


def _secret(name: str) -> frozenset[str]:
    return frozenset({name, f"{name}_file", f"{name}_env"})


# The keys of `auth` for each type. The project of an access key belongs to a region and is given by
# id; other keys of vendors' files about the same account are harmless.
_READ: Mapping[str, frozenset[str]] = {
    PASSWORD: _USER | _PROJECT | _DEFAULTS | _secret("password") | {"auth_url"},
    APPLICATION: _APPLICATION
    | _USER
    | _DEFAULTS
    | _secret("application_credential_secret")
    | {"auth_url", "project_domain_id", "project_domain_name"},
    TOKEN: _PROJECT
    | _DEFAULTS
    | _secret("token")
    | {"auth_url", "user_domain_id", "user_domain_name"},
    KEYS: _PROJECT
    | _DEFAULTS
    | _secret("access_key")
    | _secret("secret_key")
    | _secret("security_token")
    | {"auth_url", "user_domain_id", "user_domain_name"},
}
_ALL_SECRETS = frozenset[str]().union(*map(_secret, SECRETS))
# The keys that decide the type when `auth_type` is absent.
_TELLING = {
    PASSWORD: _secret("password"),
    APPLICATION: _secret("application_credential_secret") | _APPLICATION,
    TOKEN: _secret("token"),
    KEYS: _secret("access_key") | _secret("secret_key"),
}


def auth_section(entry: Section) -> Section:
    """The `auth` table with today's names of keys, and with the credentials beside it."""
    inner = entry.section("auth")
    table = inner.table if inner else Table({}, {}, entry.table.location)
    entries: dict[str, Value] = {}
    locations = dict(table.key_locations)
    labels: dict[str, str] = {}
    for source, prefix in ((table, "auth."), (entry.table, "")):
        for name, value in source.entries.items():
            key = _NEW_NAMES.get(name, name)
            if prefix == "" and key not in AUTH_KEYS:
                continue
            if key in entries and not _is_same(entries[key], value):
                message = (
                    f"{prefix}{name} and {labels[key]} say different things; keep one of them."
                )
                entry.report.add(message, location=source.key_locations[name])
                continue
            entries.setdefault(key, value)
            labels.setdefault(key, f"{prefix}{name}")
            locations[key] = source.key_locations[name]
    location = table.location if inner else entry.table.location
    return Section(
        table=Table(entries, locations, location),
        report=entry.report,
        folder=entry.folder,
        prefix="auth.",
        labels=labels,
        misspelt=entry.misspelt,
    )


_NEW_NAMES = {old: new for new, names in AUTH_NAMES.items() for old in names}


def _is_same(first: Value, second: Value) -> bool:
    both = isinstance(first, Scalar) and isinstance(second, Scalar)
    return both and first.text == second.text  # type: ignore[union-attr]


def kind_of_sign_in(entry: Section, auth: Section) -> str:
    """The type of credentials, "" when refused; without `auth_type` the secret decides."""
    if entry.has("auth_type") and not entry.is_empty("auth_type"):
        return _written_kind(entry)
    telling = [kind for kind, keys in _TELLING.items() if keys & auth.table.entries.keys()]
    if len(telling) > 1:
        entry.report.add(
            f"auth holds what belongs to several kinds of sign-in ({', '.join(telling)}); keep the"
            " keys of one kind, and write its name as auth_type.",
            location=auth.table.location,
        )
        return ""
    for section in (auth, entry):
        if not telling and section.has("ak"):
            section.refuse("ak", "is for object storage; write access_key and secret_key")
            return ""
    return telling[0] if telling else PASSWORD


def _written_kind(entry: Section) -> str:
    written = entry.text("auth_type")
    if not written or written in _KINDS:
        return _KINDS.get(written, "")
    if written in _REFUSED_KINDS or written.startswith(("v3oidc", "v3saml")):
        entry.refuse("auth_type", f"{written} {_REFUSED_KINDS.get(written, _A_PERSON)}")
        return ""
    near = nearest(written, _KINDS)
    meant = f"did you mean {near}? There are" if near else "write one of"
    kinds = "password, v3applicationcredential, v3token, aksk"
    entry.refuse("auth_type", f"is {written!r}; {meant} {kinds}")
    return ""


def read_credentials(entry: Section, *, region: str, allow_http: bool) -> Credentials | None:
    """The credentials of an entry; None when something is refused."""
    auth = auth_section(entry)
    kind = kind_of_sign_in(entry, auth)
    if not kind:
        return None
    if not auth.table.entries:
        is_empty = isinstance(entry.table.entries.get("auth"), Table)
        if is_empty or not entry.is_mentioned("auth"):
            message = (
                f"auth {'is empty' if is_empty else 'is missing'}; write the credentials below it."
            )
            entry.report.add(message, location=auth.table.location)
        return None
    auth.check_keys(AUTH_KEYS | AUTH_FOREIGN, refused=AUTH_REFUSED)
    for key in auth.table.entries:
        if key in AUTH_KEYS - _READ[kind] and key not in AUTH_REFUSED:
            auth.refuse(key, _why_not_read(key, kind=kind))
        elif key in _READ[kind] - _ALL_SECRETS:
            auth.text(key)  # also a name whose id is there, and which is not needed then
    return _READERS[kind](_Auth(auth, region=region, allow_http=allow_http))


def _why_not_read(key: str, *, kind: str) -> str:
    if kind == APPLICATION and key in _PROJECT:
        return "is not for application credentials, which belong to one project; take it away"
    return f"is not read when signing in by {kind}; take it away, or write another auth_type"


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain by id or name; both are "" when the file gives neither."""

    id: str
    name: str

    def __bool__(self) -> bool:
        return bool(self.id or self.name)


class _Auth:
    """Reads the keys that all types of credentials share."""

    def __init__(self, section: Section, *, region: str, allow_http: bool) -> None:
        self.section = section
        self._region = region
        self._allow_http = allow_http

    def needed(self, key: str, *, secret: bool = False) -> str:
        value = self.section.secret(key) if secret else self.section.text(key)
        if not value and not self._is_refused(key):
            forms = f"it, or {key}_file or {key}_env" if secret else "it"
            message = f"{self.section.label(key)} is missing; write {forms}."
            self.section.report.add(message, location=self._location)
        return value

    def needs_any(self, keys: tuple[str, ...], *, hint: str = "") -> None:
        """Report that all of the keys are missing, when they are."""
        if not any(self._is_refused(key) or self.section.text(key) for key in keys):
            names = " or ".join(keys)
            self.section.report.add(f"auth needs {names}{hint}.", location=self._location)

    @property
    def _location(self) -> Location:
        return self.section.table.location

    def _is_refused(self, key: str) -> bool:
        """Whether the key is there with a value: what is wrong with it has been said."""
        if not self.section.is_mentioned(key):
            return False
        return not self.section.is_empty(key)

    def url(self) -> str:
        url = self.needed("auth_url")
        for template in ("{region_name}", "%(region_name)s"):
            url = url.replace(template, self._region)
        if not url:
            return ""
        if trouble := texts.trouble_with_address(url):
            self.section.refuse("auth_url", trouble)
            return ""
        if texts.is_plain_http(url) and not self._allow_http:
            self.section.refuse("auth_url", texts.PLAIN_HTTP_WORDS)
        try:
            return texts.identity_root(url)
        except ValueError as error:
            self.section.refuse("auth_url", f"{error}")
            return ""

    def user(self) -> dict[str, str]:
        """By id, or by name within a domain."""
        user_id, username = self.section.text("user_id"), self.section.text("username")
        self.needs_any(("username", "user_id"))
        domain = self._domain("user_domain")
        if username and not user_id and not domain and not self._mentions_domain("user_domain"):
            self.section.report.add(
                "auth.username needs user_domain_name (the account's name; Default on most plain"
                " OpenStacks), user_domain_id or default_domain_id.",
                location=self._location,
            )
        return {
            "user_id": user_id,
            "username": username,
            "user_domain_id": domain.id,
            "user_domain_name": domain.name,
        }

    def project(self, *, has_user_domain: bool) -> dict[str, str]:
        project_id, name = self.section.text("project_id"), self.section.text("project_name")
        if not self.section.has("system_scope"):  # else that is the mistake
            self.needs_any(("project_id", "project_name"))
        domain = self._domain("project_domain")
        says_domain = domain or has_user_domain or self._mentions_domain("project_domain")
        if name and not project_id and not says_domain:
            self.section.report.add(
                "auth.project_name needs project_domain_name or project_domain_id, since no domain"
                " of the user is given.",
                location=self._location,
            )
        return {
            "project_id": project_id,
            "project_name": name,
            "project_domain_id": domain.id,
            "project_domain_name": domain.name,
        }

    def _domain(self, key: str) -> _Domain:
        """The domain of the user or project, then the domain for both, then the default domain."""
        for prefix in (key, "domain", "default_domain"):
            domain = _Domain(self.section.text(f"{prefix}_id"), self.section.text(f"{prefix}_name"))
            if domain:
                return domain
        return _Domain("", "")

    def _mentions_domain(self, key: str) -> bool:
        prefixes = (key, "domain", "default_domain")
        return any(
            self._is_refused(f"{prefix}_{end}") for prefix in prefixes for end in ("id", "name")
        )


def _by_password(auth: _Auth) -> PasswordCredentials:
    url, password, user = auth.url(), auth.needed("password", secret=True), auth.user()
    domain = bool(user["user_domain_id"] or user["user_domain_name"]) or not user["user_id"]
    return PasswordCredentials(
        auth_url=url, password=password, **user, **auth.project(has_user_domain=domain)
    )


def _by_application(auth: _Auth) -> ApplicationCredentials:
    url = auth.url()
    secret = auth.needed("application_credential_secret", secret=True)
    number = auth.section.text("application_credential_id")
    name = auth.section.text("application_credential_name")
    auth.needs_any(("application_credential_id", "application_credential_name"))
    user = auth.user() if name and not number else {}
    return ApplicationCredentials(auth_url=url, secret=secret, id=number, name=name, **user)


def _by_token(auth: _Auth) -> TokenCredentials:
    url, token = auth.url(), auth.needed("token", secret=True)
    return TokenCredentials(auth_url=url, token=token, **auth.project(has_user_domain=False))


def _by_keys(auth: _Auth) -> KeyCredentials:
    return KeyCredentials(
        access_key=auth.needed("access_key", secret=True),
        secret_key=auth.needed("secret_key", secret=True),
        security_token=auth.section.secret("security_token") or None,
        project_id=auth.needed("project_id"),
    )


_READERS: Mapping[str, Callable[[_Auth], Credentials]] = {
    PASSWORD: _by_password,
    APPLICATION: _by_application,
    TOKEN: _by_token,
    KEYS: _by_keys,
}
