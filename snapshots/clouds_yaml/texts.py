"""What a text, a secret or an address may look like. Pure functions that say why not."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

_INVISIBLE = {"\u00ad", "\u200b", "\u200e", "\u200f", "\u2060", "\ufeff"}
_CURLY_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
# Placeholders that other programs fill in. Only the whole text counts, so that a password may
# contain `$` or `<`.
_PLACEHOLDERS = (
    r"\$\{[^}]*\}",
    r"\$[A-Z][A-Z0-9]*_[A-Z0-9_]*",
    r"\{\{.*\}\}",
    r"<[A-Za-z][A-Za-z _-]*>",
    r"%[A-Z][A-Z0-9]*_[A-Z0-9_]*%",
    r"[xX]{4,}|\*{3,}|\.{3,}|\u2026",
    r"(?i:(?:your|my)[ _-](?:password|secret|token)(?:[ _-]here)?|change[_-]?me|redacted)",
)
_PLACEHOLDER = re.compile("|".join(f"(?:{form})" for form in _PLACEHOLDERS))
_FILLED_IN_LATER = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}")
_ENCRYPTED = re.compile(r"ENC\[AES256_GCM,|\$ANSIBLE_VAULT;")


def trouble_with_text(text: str) -> str:
    """Why a text cannot be meant as it is written, with what to do; "" for an acceptable text."""
    return next((problem for is_so, problem in _TROUBLES_OF_TEXTS if is_so(text)), "")


def _is_blank_around(text: str) -> bool:
    return text != text.strip()


def _holds_control_character(text: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text)


def _holds_half_character(text: str) -> bool:
    """Whether the text has half a surrogate pair (JSON) or bytes that are not UTF-8 (a variable),
    which cannot be sent.
    """
    return any(unicodedata.category(character) == "Cs" for character in text)


def _holds_invisible(text: str) -> bool:
    return any(character in text for character in _INVISIBLE)


def _is_in_curly_quotes(text: str) -> bool:
    return bool(text) and text[0] in _CURLY_QUOTES and text[-1] in _CURLY_QUOTES


def is_encrypted(text: str) -> bool:
    """Whether a text, or a whole file, was encrypted by ansible-vault or sops."""
    return bool(_ENCRYPTED.match(text))


def _is_placeholder(text: str) -> bool:
    return bool(_PLACEHOLDER.fullmatch(text) or _FILLED_IN_LATER.search(text))


_PLACEHOLDER_WORDS = "is a placeholder that nobody fills in; write the value itself"
_TROUBLES_OF_TEXTS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (_is_blank_around, "begins or ends with a blank or a line break; take it away"),
    (
        _holds_control_character,
        "holds a line break or another control character; take it away",
    ),
    (_holds_half_character, "holds what is not UTF-8; write the character itself, as UTF-8"),
    (_holds_invisible, "holds an invisible character; write it again by hand"),
    (
        _is_in_curly_quotes,
        "stands in curly quotes, which YAML takes for a part of it; write straight quotes",
    ),
    (
        is_encrypted,
        "is still encrypted; write what is behind it, or use ..._file or ..._env",
    ),
    (_is_placeholder, _PLACEHOLDER_WORDS),
)


def trouble_with_written_secret(secret: str) -> str:
    """The same for a secret written in the file."""
    trouble = trouble_with_text(secret)
    if trouble == _PLACEHOLDER_WORDS:
        return f"{trouble}, or name its file or variable with ..._file or ..._env"
    return trouble


def trouble_with_revealed_secret(secret: str) -> str:
    """The same for the content of a file or variable, which no program fills in: it may look like a
    placeholder.
    """
    trouble = trouble_with_text(secret)
    return "" if trouble == _PLACEHOLDER_WORDS else trouble


def trouble_with_address(url: str) -> str:
    """Why `url` cannot be the address of a server, with what to write; "" when it can."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return "has a host or port that none can have; write https://host:port/path"
    troubles = (
        (re.search(r"[\s\\]", url), "holds a blank or a backslash; write it without"),
        (
            parts.scheme not in {"http", "https"} or not parts.netloc,
            "must begin with https:// (or http://) and name a host",
        ),
        ("@" in parts.netloc, "holds a user or password; write it without"),
        (re.search("[?#]", url), "holds a query (?) or a fragment (#); write it without"),
        (not _is_host(host), "names a host that none can be called; write https://host:port/path"),
        (
            port == 0 or parts.netloc.endswith(":"),
            "has no port behind the colon, or port 0; write https://host:port/path",
        ),
        (re.search("[,;\"'<>]", url), "holds a comma, semicolon or quote; write it without"),
    )
    return next((problem for is_so, problem in troubles if is_so), "")


def _is_host(host: str) -> bool:
    if ":" in host:
        return _is_ip(host)
    labels = host.removesuffix(".").split(".")
    if all(label.isdigit() for label in labels):
        return _is_ip(host)
    return len(host) <= 253 and all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


PLAIN_HTTP_WORDS = (
    "is plain http, so that secrets could be read on the way; write https://, or allow it by"
    " `evs: {allow_http: true}`"
)


def is_plain_http(url: str) -> bool:
    """Whether others can read what is sent to `url`: http, and not to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not _is_ip(host):
        return False
    address = ipaddress.ip_address(host)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def identity_root(url: str) -> str:
    """The address of the identity service's version 3, as people write it: with or without `/v3`,
    a slash, or the `/auth/tokens` of the call itself. Raises ValueError, saying why not.
    """
    root = url.rstrip("/").removesuffix("/auth/tokens").rstrip("/")
    parts = urlsplit(root).path.split("/")
    if parts[-1] == "v3":
        return root
    versions = [part for part in parts if re.fullmatch(r"[vV]\d+(\.\d+)*", part)]
    if not versions:
        return f"{root}/v3"
    if versions[-1] == "v3":
        raise ValueError("goes on behind /v3; let it end there")
    raise ValueError(
        f"names /{versions[-1]}, and the portal speaks version 3 only; write the address that ends"
        " in /v3"
    )


def comparable(url: str) -> str:
    """An address in comparable form: without version, project, slash, default port and capitals of
    the host.
    """
    parts: SplitResult = urlsplit(url)
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    path = re.sub(r"/v\d+(?:\.\d+)?(?:/[^/]*)?/*$", "", parts.path).rstrip("/")
    return f"{parts.scheme}://{(parts.hostname or '').removesuffix('.')}{port}{path}"


def version_and_project(endpoint: str) -> tuple[str, str]:
    """The `v3` and the project id at the end of a block storage address, "" for what is not there
    or is a template such as `%(project_id)s`.
    """
    match = re.search(r"/(v\d+)(?:\.\d+)?(?:/([^/]*))?/*$", urlsplit(endpoint).path)
    if match is None:
        return "", ""
    project = match[2] or ""
    return match[1], project if re.fullmatch(r"(?:AUTH_)?[0-9A-Za-z-]*", project) else ""
