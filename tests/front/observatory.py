"""The scoring of Mozilla's HTTP Observatory, as far as a portal of one host can meet it.

After "HTTP Observatory tests & scoring" on MDN, and the score table of its program
mdn-http-observatory (`src/grader/charts.js`), as of 2025. Each test gives a modifier to 100 points;
a modifier above 0 counts only where the others leave at least 90. What no site of one host can have
is left out: the preload list of browsers, and hosts of others.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

BASE, LEAST_FOR_BONUS = 100, 90
SIX_MONTHS = 15_768_000
GRADES = (
    *((100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+")),
    *((50, "C"), (45, "C-"), (40, "D+"), (30, "D"), (25, "D-"), (0, "F")),
)
PRIVATE_REFERRERS = {
    *("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"),
}
_NAMES_OF_SESSIONS = re.compile(r"sess|login|sid|auth", re.IGNORECASE)
_NAMES_OF_TOKENS = re.compile(r"csrf|xsrf", re.IGNORECASE)


@dataclass
class Cookie:
    name: str
    attributes: dict[str, str]  # by the name in small letters

    @property
    def is_session(self) -> bool:
        return bool(_NAMES_OF_SESSIONS.search(self.name))


@dataclass
class Scan:
    """What was seen of a site: where http led, and the last answer over https."""

    redirects: list[str]  # each address after the first request, which was http://HOST/
    headers: dict[str, str]  # by the name in small letters
    html: str
    cookies: list[Cookie] = field(default_factory=list)


def score(scan: Scan) -> tuple[int, dict[str, int]]:
    """The points, and the modifier of each test."""
    modifiers = {name: test(scan) for name, test in TESTS.items()}
    points = BASE + sum(modifier for modifier in modifiers.values() if modifier < 0)
    if points >= LEAST_FOR_BONUS:
        points += sum(modifier for modifier in modifiers.values() if modifier > 0)
    return max(points, 0), modifiers


def grade(points: int) -> str:
    return next(name for least, name in GRADES if points >= least)


def policy_of(scan: Scan) -> dict[str, list[str]]:
    parts = scan.headers.get("content-security-policy", "").split(";")
    return {texts[0].lower(): texts[1:] for part in parts if (texts := part.split())}


def content_security_policy(scan: Scan) -> int:
    policy = policy_of(scan)
    if not policy:
        return -25
    fallback = policy.get("default-src", ["*"])
    scripts = policy.get("script-src", fallback)
    objects = policy.get("object-src", fallback)
    styles = policy.get("style-src", fallback)
    broad = {"*", "http:", "https:", "data:", "'unsafe-inline'"}
    if broad & {*scripts, *objects}:
        return -20
    everything = {source for sources in policy.values() for source in sources}
    if any(source.startswith("http:") for source in everything):
        return -20
    if "'unsafe-eval'" in everything:
        return -10
    if broad & set(styles):
        return 0
    forms = set(policy.get("form-action", ["*"]))
    return 10 if fallback == ["'none'"] and forms <= {"'none'", "'self'"} else 5


def cookies(scan: Scan) -> int:
    if not scan.cookies:
        return 0
    has_hsts = strict_transport_security(scan) >= 0
    worst = min(_cookie(cookie, has_hsts=has_hsts) for cookie in scan.cookies)
    return worst or 5 * all("samesite" in cookie.attributes for cookie in scan.cookies)


def _cookie(cookie: Cookie, *, has_hsts: bool) -> int:
    attributes = cookie.attributes
    faults = [0]
    if "secure" not in attributes:
        insecure = (-10, -40) if cookie.is_session else (-5, -20)
        faults.append(insecure[0] if has_hsts else insecure[1])
    if cookie.is_session and "httponly" not in attributes:
        faults.append(-30)
    if attributes.get("samesite", "lax").lower() not in {"lax", "strict"}:
        faults.append(-20)
    if _NAMES_OF_TOKENS.search(cookie.name) and "samesite" not in attributes:
        faults.append(-20)
    return min(faults)


def cross_origin_resource_sharing(scan: Scan) -> int:
    is_open = scan.headers.get("access-control-allow-origin") == "*"
    has_credentials = scan.headers.get("access-control-allow-credentials") == "true"
    return -50 if is_open and has_credentials else 0


def redirection(scan: Scan) -> int:
    if not scan.redirects:
        return -20
    first, last = urlsplit(scan.redirects[0]), urlsplit(scan.redirects[-1])
    if last.scheme != "https":
        return -20
    if first.scheme != "https":
        return -10
    return 0 if first.hostname == last.hostname else -5


def referrer_policy(scan: Scan) -> int:
    values = scan.headers.get("referrer-policy", "").lower().split(",")
    if values == [""]:
        return 0
    return 5 if values[-1].strip() in PRIVATE_REFERRERS else -5


def strict_transport_security(scan: Scan) -> int:
    match = re.search(r"max-age=(\d+)", scan.headers.get("strict-transport-security", ""))
    if match is None:
        return -20
    return 0 if int(match[1]) >= SIX_MONTHS else -10


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))


def subresource_integrity(scan: Scan) -> int:
    """Scripts of another host need a hash; those of the same host may do without."""
    page = _Scripts()
    page.feed(scan.html)
    sources = [(script.get("src") or "", "integrity" in script) for script in page.scripts]
    outside = [(source, has_hash) for source, has_hash in sources if urlsplit(source).netloc]
    if any(not source.startswith("https:") for source, _has_hash in outside):
        return -50
    if not all(has_hash for _source, has_hash in outside):
        return -5
    return 5 if sources and all(has_hash for _source, has_hash in sources) else 0


def x_content_type_options(scan: Scan) -> int:
    return 0 if scan.headers.get("x-content-type-options", "").lower() == "nosniff" else -5


def x_frame_options(scan: Scan) -> int:
    if "frame-ancestors" in policy_of(scan):
        return 5
    return 0 if scan.headers.get("x-frame-options", "").upper() in {"DENY", "SAMEORIGIN"} else -20


def cross_origin_resource_policy(scan: Scan) -> int:
    value = scan.headers.get("cross-origin-resource-policy", "")
    return {"": 0, "cross-origin": 0, "same-site": 10, "same-origin": 10}.get(value, -5)


TESTS = {
    "content-security-policy": content_security_policy,
    "cookies": cookies,
    "cross-origin-resource-sharing": cross_origin_resource_sharing,
    "redirection": redirection,
    "referrer-policy": referrer_policy,
    "strict-transport-security": strict_transport_security,
    "subresource-integrity": subresource_integrity,
    "x-content-type-options": x_content_type_options,
    "x-frame-options": x_frame_options,
    "cross-origin-resource-policy": cross_origin_resource_policy,
}
