"""An exchange as a command line that sends the same, with the secret left out."""

import shlex

from snapshots.models import Exchange

# curl writes these itself, or they belong to one connection, one token or one signature.
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


def curl_of(exchange: Exchange) -> str:
    """A line for each argument. The token comes from the variable `TOKEN` of the shell."""
    parts = [f"curl -i -X {shlex.quote(exchange.method)} {shlex.quote(exchange.url)}"]
    if "x-auth-token" in {name.lower() for name in exchange.headers}:
        parts.append('-H "X-Auth-Token: $TOKEN"')
    parts += [
        f"-H {shlex.quote(f'{name}: {value}')}"
        for name, value in exchange.headers.items()
        if name.lower() not in _OWN
    ]
    if exchange.body:
        parts.append(f"--data-raw {shlex.quote(exchange.body)}")
    return " \\\n  ".join(parts)
