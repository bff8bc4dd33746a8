"""Whether an open page would get the same answer again, by one indexed read.

When a page's question was answered in full, this process remembers how often the page's topics had
been changed by then (`models/versions.py`), and the session it was answered in. While the session's
row is the same byte for byte, nobody's rights changed, and the numbers are the same, so is the
answer. What a person may not see plays no part: the page names its content by a digest of that
content, and these numbers are never sent.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic

from django.db import connection
from django.utils import timezone

from snapshots.clock import latest_plausible
from snapshots.models.versions import GRANTS, RIGHTS, Numbers, numbers_of
from snapshots.selectors.kept import portal_digest
from snapshots.sign_in.sessions import idle_limit, longest

# An answer holds for no longer: times pass limits, such as the end of a grant. Three questions of
# an idle page come within it: pace.js asks every 30 seconds, and a bit later.
HOLDS_SECONDS = 95.0
# Where a page says how a running request compares with others of its kind.
HOLDS_OPEN_SECONDS = 10.0
MOST_REMEMBERED = 5000  # open pages of one process
_OF_RIGHTS = (RIGHTS, GRANTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an open page asks: everything that the answer is made of, but the tables."""

    address: str
    cookies: str
    languages: str

    @property
    def digest(self) -> bytes:
        """What is remembered of it: an address may have many thousand letters."""
        return _digest(f"{self.address}\n{self.cookies}\n{self.languages}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer was made of. Gathered before anything else is read: a change in between then
    only makes the next answer a full one.
    """

    topics: tuple[str, ...]
    numbers: Numbers
    session: str  # the digest of its key
    session_data: bytes  # a digest, too
    portal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    version: str
    basis: Basis
    until: float


class _Memory:
    """The answers of this process, the least used forgotten first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: Question) -> _Answer | None:
        key = question.digest
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, question: Question, answer: _Answer) -> None:
        key = question.digest
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > MOST_REMEMBERED:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


memory = _Memory()


def numbers_of_rights() -> Numbers:
    """To be read before the person is, and what was granted to them."""
    return numbers_of(_OF_RIGHTS)


def basis_of(topics: Sequence[str], rights: Numbers, *, session: str, session_data: str) -> Basis:
    """What an answer about these topics is made of now, and by which `rights`."""
    every = (*topics, RIGHTS)
    others = numbers_of(topic for topic in topics if topic not in _OF_RIGHTS)
    return Basis(
        topics=every,
        numbers=others | {topic: rights[topic] for topic in every if topic in rights},
        session=session,
        session_data=_digest(session_data),
        portal=portal_digest(),
    )


def remember(question: Question, version: str, basis: Basis, *, is_open: bool) -> None:
    """That the question was answered with this version of the page."""
    seconds = HOLDS_OPEN_SECONDS if is_open else HOLDS_SECONDS
    memory.put(question, _Answer(version=version, basis=basis, until=monotonic() + seconds))


def is_unchanged(question: Question, version: str) -> bool:
    """Whether the answer would be this version again. False where it must be found out."""
    answer = memory.get(question)
    if answer is None or answer.version != version or answer.until < monotonic():
        return False
    basis = answer.basis
    if basis.portal != portal_digest():
        return False
    return _state_of(basis) == (basis.session_data, basis.numbers)


def _state_of(basis: Basis) -> tuple[bytes | None, Numbers]:
    """The digest of the data of the session while it is open, and the numbers: one query."""
    now = timezone.now()
    idle = idle_limit()
    limits = (now, latest_plausible(now=now), now - longest(), now - (idle or longest()))
    moments = [connection.ops.adapt_datetimefield_value(limit) for limit in limits]
    places = ", ".join(["%s"] * len(basis.topics))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.session_data, v.topic, v.number FROM django_session s "
            "JOIN snapshots_opensession o ON o.session_id = s.session_key "
            f"LEFT JOIN snapshots_version v ON v.topic IN ({places}) "
            "WHERE s.session_key = %s AND s.expire_date > %s AND o.signed_in_at <= %s "
            "AND o.signed_in_at > %s AND o.used_at > %s",
            [*basis.topics, basis.session, *moments],
        )
        rows = cursor.fetchall()
    if not rows:
        return None, {}
    return _digest(rows[0][0]), {
        topic: number for _data, topic, number in rows if topic is not None
    }


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=24).digest()
