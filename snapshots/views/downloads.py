"""At most two files are made at a time in each process; the third is answered 429.

A file keeps a thread of the web server until its reader has taken the last of it. Without a bound,
a few slow readers would keep all threads, and no page would be answered.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from snapshots.sign_in.errors import TryLaterError

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)

MOST_AT_ONCE = 2
_AWAY_SECONDS = 20
_under_way: set[object] = set()
_entry = threading.Lock()


class TooManyDownloadsError(TryLaterError):
    """Others take files at this moment; nothing was made or recorded."""

    def __init__(self) -> None:
        super().__init__(_AWAY_SECONDS, is_busy=True)
        self.sentence = _("The portal is making as many files as it can at the same time.")


def download(view: Callable[P, Answer]) -> Callable[P, Answer]:
    """The view answers with a file. Stands below the rule of who may have it."""

    @wraps(view)
    def route(*args: P.args, **kwargs: P.kwargs) -> Answer:
        end = _begin()
        try:
            answer = view(*args, **kwargs)
        except BaseException:
            end()
            raise
        if isinstance(answer, StreamingHttpResponse):
            answer.streaming_content = _Sent(answer, end)
        else:
            end()
        return answer

    return route


def _begin() -> Callable[[], None]:
    """Returns what ends it; to end it twice does no harm. Raises `TooManyDownloadsError`."""
    file = object()
    with _entry:
        if len(_under_way) >= MOST_AT_ONCE:
            raise TooManyDownloadsError
        _under_way.add(file)
    return partial(_under_way.discard, file)  # without a lock: the garbage collector may call it


class _Sent:
    """What is sent. Django closes it when the answer ends, in whatever way."""

    def __init__(self, answer: StreamingHttpResponse, end: Callable[[], None]) -> None:
        self._pieces: Iterator[bytes] = iter(answer.streaming_content)  # type: ignore[arg-type]
        self.close = end
        # Where an error after the view puts another answer in this one's place.
        weakref.finalize(self, end)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)
