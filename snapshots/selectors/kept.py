"""What every page says and every poll compares, read once a second in each process."""

import threading
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from snapshots.models import CloudHealth, Operation
from snapshots.selectors import hanging, operations, portal
from snapshots.selectors.portal import PortalState

SECONDS = 1.0
MOST_KEPT = 500  # answers of one function

P = ParamSpec("P")
Result = TypeVar("Result")
_forget: list[Callable[[], None]] = []


def kept_a_second(read: Callable[P, Result]) -> Callable[P, Result]:
    """The answer of up to a second ago. Two threads may read at once: that does no harm."""
    answers: dict[Any, tuple[float, Result]] = {}
    lock = threading.Lock()
    _forget.append(answers.clear)

    @wraps(read)
    def read_once(*args: P.args, **kwargs: P.kwargs) -> Result:
        key = (args, tuple(sorted(kwargs.items())))
        at, answer = answers.get(key, (float("-inf"), None))
        now = monotonic()
        if answer is not None and now - at < SECONDS:
            return answer
        fresh = read(*args, **kwargs)
        with lock:
            if len(answers) >= MOST_KEPT:
                answers.clear()
            if answers.get(key, (now, fresh))[0] <= now:  # or another began to read later
                answers[key] = (now, fresh)
        return fresh

    return read_once


def forget() -> None:
    """For tests: nothing is older than a test."""
    for clear in _forget:
        clear()


@kept_a_second
def portal_state() -> PortalState:
    """What the banners say."""
    return portal.portal_state()


@kept_a_second
def hanging_operations() -> list[Operation]:
    """What those who may end it are told on every page."""
    return hanging.hanging_operations()


@kept_a_second
def typical_seconds(cloud: str, kind: str) -> float:
    """How long an operation of this kind usually took in this cloud; 0 without history."""
    return operations.typical_seconds(cloud, kind) or 0


@kept_a_second
def portal_digest() -> str:
    """Another text whenever the banners of anybody say something else."""
    state = portal_state()
    said = {field.name: _comparable(getattr(state, field.name)) for field in fields(state)}
    if state.worker_alive:
        del said["worker_seen_at"]  # each second another
    hangs = [(str(operation.pk), operation.state_at) for operation in hanging_operations()]
    return repr((said, hangs))


def _comparable(value: object) -> object:
    """A cloud's health without what changes with every call and is not told."""
    if isinstance(value, list | tuple):
        return [_comparable(item) for item in value]
    if isinstance(value, CloudHealth):
        since, code = value.failing_since, value.trouble_code
        tells_until = value.holds_back_refused
        return value.cloud, since, code, tells_until, value.retry_at if tells_until else None
    return value
