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
    LOG_LEVELS = auto()  # one for all, or for a logger by its name
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


# --- short ways to write one ------------------------------------------------------------------


def text(name: str, about: str, default: str = "", *misnomers: str) -> Variable:
    return Variable(name=name, kind=Kind.TEXT, about=about, default=default, misnomers=misnomers)


def items(name: str, about: str, default: str = "") -> Variable:
    return Variable(name=name, kind=Kind.ITEMS, about=about, default=default)


def choice(name: str, about: str, default: str, *choices: str) -> Variable:
    return Variable(name=name, kind=Kind.CHOICE, about=about, default=default, choices=choices)


def boolean(name: str, about: str, default: str = "false") -> Variable:
    return Variable(name=name, kind=Kind.BOOLEAN, about=about, default=default)


def secret(name: str, about: str, *misnomers: str, kind: Kind = Kind.TEXT) -> Variable:
    return Variable(name=name, kind=kind, about=about, is_secret=True, misnomers=misnomers)


def count(name: str, about: str, default: str, *misnomers: str, least: int, most: int) -> Variable:
    return Variable(
        name=name,
        kind=Kind.COUNT,
        about=about,
        default=default,
        least=least,
        most=most,
        misnomers=misnomers,
    )


def seconds(name: str, about: str, default: str, *, least: float, most: float) -> Variable:
    return Variable(
        name=name, kind=Kind.NUMBER, about=about, default=default, least=least, most=most
    )
