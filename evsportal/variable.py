"""What a setting is: one environment variable. `variables.py` lists them all."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    TEXT = auto()
    CHOICE = auto()
    BOOLEAN = auto()
    COUNT = auto()  # a whole number
    NUMBER = auto()  # with or without a fraction
    ITEMS = auto()  # with commas between them
    FOLDER = auto()
    HOSTS = auto()  # names a browser asks for
    ORIGINS = auto()  # scheme and host
    ADDRESS = auto()  # what a server binds to
    NETWORKS = auto()  # addresses, each alone or as a network
    LOOPBACK_URL = auto()
    DATABASE_URL = auto()
    MAIL_URL = auto()
    MAIL_ADDRESS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    name: str
    kind: Kind
    about: str
    default: str = ""  # as it would be written
    least: float = 0
    most: float = float("inf")
    choices: tuple[str, ...] = ()
    is_secret: bool = False  # its value is never shown; `NAME_FILE` may name a file that holds it
    misnomers: tuple[str, ...] = ()  # names that people write for it
