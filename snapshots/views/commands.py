"""An exchange as something to run that sends the same bytes, with the secret left out."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from snapshots.audit.record.redaction import LEFT_OUT, has_original_body
from snapshots.localized import listed
from snapshots.models import Exchange, Purpose

# The program writes these itself, or they belong to one connection, one token or one signature.
_OWN = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "user-agent",
        "x-auth-token",
        "x-sdk-date",
        "x-security-token",
    }
)
_LINE = " \\\n  "
# Linux takes at most 128 KiB in one argument; `printf` is the shell's own and has no such limit.
LONGEST_ARGUMENT_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Command:
    """How to send an exchange again; `notes` say where it is not quite the same."""

    name: str  # the value of `?as=`
    label: str  # for people
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to show it, for the links."""

    name: str
    label: str
    chosen: bool


def command_of(exchange: Exchange, *, program: str) -> Command | None:
    """As `wanted` (curl without a better word). None for a sign-in: its body is not stored, so a
    command made of it would only be wrong.
    """
    if exchange.purpose == Purpose.LOGIN:
        return None
    name = program if program in _WAYS else "curl"
    label, write = _WAYS[name]
    return Command(name, label, write(exchange), tuple(_notes(exchange)))


def choices(chosen: Command | None) -> list[Choice]:
    """All ways, in the order of the links."""
    name = chosen.name if chosen else ""
    return [Choice(way, label, way == name) for way, (label, _write) in _WAYS.items()]


def _notes(exchange: Exchange) -> Iterable[str]:
    if exchange.body_cut:
        yield _("The body was cut when it was stored, so this is not complete.")
    elif not has_original_body(exchange):
        yield _("The stored body is not the original to the byte: secrets are struck out of it.")
    if _is_signed(exchange):
        yield _(
            "It was signed with an access key. No signature can be given here: a token is used."
        )
    left_out = [name for name, value in exchange.headers.items() if value == LEFT_OUT]
    if left_out:
        yield _("Not stored, so not sent: {headers}.").format(headers=listed(left_out))


def _is_signed(exchange: Exchange) -> bool:
    return "authorization" in _names(exchange)


def _names(exchange: Exchange) -> set[str]:
    return {name.lower() for name in exchange.headers}


def _has_token(exchange: Exchange) -> bool:
    return "x-auth-token" in _names(exchange) or _is_signed(exchange)


def _headers(exchange: Exchange) -> list[tuple[str, str]]:
    return [
        (name, str(value))
        for name, value in exchange.headers.items()
        if name.lower() not in _OWN and value != LEFT_OUT
    ]


def _says_type(exchange: Exchange) -> bool:
    return "content-type" in _names(exchange)


def _is_long(body: str) -> bool:
    return len(body.encode()) > LONGEST_ARGUMENT_BYTES


def _piped(body: str, command: str) -> str:
    return f"printf %s {shlex.quote(body)} |{_LINE}{command}"


# --- curl ------------------------------------------------------------------------------------


def curl_of(exchange: Exchange) -> str:
    """A line for each argument. The token comes from the variable `TOKEN` of the shell."""
    url = exchange.url
    globs = " -g" if any(char in url for char in "[]{}") else ""  # else curl would expand them
    dots = " --path-as-is" if "/." in url else ""
    parts = [f"curl -i{globs}{dots} -X {shlex.quote(exchange.method)} {shlex.quote(url)}"]
    if _has_token(exchange):
        parts.append('-H "X-Auth-Token: $TOKEN"')
    parts += [f"-H {shlex.quote(_curl_header(*pair))}" for pair in _headers(exchange)]
    body = exchange.body
    if body and not _says_type(exchange):
        parts.append("-H Content-Type:")  # else curl would call it a form
    if body and _is_long(body):
        # "Expect:" keeps curl from asking first whether so much is wanted.
        return _piped(body, _LINE.join([*parts, "-H Expect:", "--data-binary @-"]))
    if body:
        parts.append(f"--data-raw {shlex.quote(body)}")
    return _LINE.join(parts)


def _curl_header(name: str, value: str) -> str:
    return f"{name}: {value}" if value else f"{name};"  # with a colon curl would leave it out


# --- HTTPie ----------------------------------------------------------------------------------


def httpie_of(exchange: Exchange) -> str:
    """As for curl. `--ignore-stdin`: else HTTPie takes a script's standard input for the body."""
    body = exchange.body
    is_long = _is_long(body)
    options = [] if is_long else ["--ignore-stdin"]
    if body and not is_long:
        # With "=", so that a body may begin with a dash; `--raw` reads no "@" and no "=" in it.
        options.append(shlex.quote(f"--raw={body}"))
    method, url = shlex.quote(exchange.method), shlex.quote(exchange.url)
    parts = [" ".join(["http", "--path-as-is", *options, method, url])]
    if _has_token(exchange):
        parts.append('"X-Auth-Token:$TOKEN"')
    parts += [shlex.quote(_httpie_header(*pair)) for pair in _headers(exchange)]
    if body and not _says_type(exchange):
        parts.append("Content-Type:")
    command = _LINE.join(parts)
    return _piped(body, command) if is_long else command


def _httpie_header(name: str, value: str) -> str:
    if not value:
        return f"{name};"
    # ":=" and ":@" would mean JSON and a file.
    return f"{name}:\\{value}" if value[0] in "=@" else f"{name}:{value}"


# --- Python ----------------------------------------------------------------------------------


def python_of(exchange: Exchange) -> str:
    """A script for `requests`. Literals are Python's own, so any text is the same text there."""
    headers = [f"        {name!r}: {value!r}," for name, value in _headers(exchange)]
    if _has_token(exchange):
        headers.insert(0, "        'X-Auth-Token': os.environ['TOKEN'],")
    lines = [
        *(["import os"] if _has_token(exchange) else []),
        "import requests",
        "",
        "answer = requests.request(",
        f"    {exchange.method!r},",
        f"    {exchange.url!r},",
        *(["    headers={", *headers, "    },"] if headers else []),
        *([f"    data={exchange.body!r}.encode(),"] if exchange.body else []),
        "    allow_redirects=False,",
        "    timeout=60,",
        ")",
        "print(answer.status_code, answer.text)",
    ]
    return "\n".join(lines)


_WAYS: dict[str, tuple[str, Callable[[Exchange], str]]] = {
    "curl": ("curl", curl_of),
    "httpie": ("HTTPie", httpie_of),
    "python": ("Python", python_of),
}
