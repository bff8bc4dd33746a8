"""What a cloud's answers say about the cloud itself: the signed-in user and project, its time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from snapshots.evs.answers import http_date, read_object
from snapshots.evs.wire import CloudAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whom a token was issued to, in the cloud's own spelling; "" where the cloud did not say."""

    user: str = ""
    domain: str = ""
    project: str = ""
    project_id: str = ""


def signed_in(answer: CloudAnswer) -> SignedIn:
    """Read the answer to a sign-in; empty where it cannot be read."""
    try:
        token = _table(read_object(answer.body).get("token"))
    except ValueError:
        return SignedIn()
    user, project = _table(token.get("user")), _table(token.get("project"))
    return SignedIn(
        user=_text(user.get("name")),
        domain=_text(_table(user.get("domain")).get("name")),
        project=_text(project.get("name")),
        project_id=_text(project.get("id")),
    )


def clock_difference(answer: CloudAnswer, *, received_at: datetime) -> timedelta | None:
    """How far the cloud's clock is ahead of ours, to a second or two; None when the answer has no
    time.

    The cloud writes its time about in the middle of the exchange, without fractions.
    """
    theirs = http_date(answer.headers.get("date", ""))
    if theirs is None:
        return None
    ours = received_at - timedelta(milliseconds=answer.elapsed_ms / 2)
    return theirs + timedelta(seconds=0.5) - ours


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:255] if isinstance(value, str) else ""
