"""What a look at the portal finds."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; the worst is the exit status."""

    GOOD = 0
    WARNING = 1
    WRONG = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """`area` names what was looked at, `todo` what an operator does about it."""

    area: str
    level: Level
    text: str
    todo: str = ""


def good(area: str, text: str) -> Finding:
    return Finding(area, Level.GOOD, text)


def warning(area: str, text: str, todo: str) -> Finding:
    return Finding(area, Level.WARNING, text, todo)


def wrong(area: str, text: str, todo: str) -> Finding:
    return Finding(area, Level.WRONG, text, todo)
