"""What is wrong with the files, collected so that a person reads all mistakes at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class CloudsRefused(ImproperlyConfigured):
    """The files cannot be used; `sentences` has one sentence for each mistake."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Location:
    """A line of a file; line 0 is the file as a whole."""

    file: Path
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else str(self.file)


@dataclass(slots=True)
class Mistakes:
    """The sentences collected so far. The same message about the same line counts once, because an
    entry with two regions, and a part shared by an anchor, are read twice.
    """

    _sentences: dict[tuple[Location, str], str] = field(default_factory=dict)

    def add(self, message: str, *, location: Location, cloud: str = "") -> None:
        """Add a sentence. `message` begins with the key and never quotes a secret."""
        entry = f"cloud {cloud!r}: " if cloud else ""
        self._sentences.setdefault((location, message), f"{location}: {entry}{message}")

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def raise_if_any(self) -> None:
        """Raise CloudsRefused when there is a mistake; its sentences are in the files' order."""
        if self._sentences:
            in_order = sorted(self._sentences, key=lambda key: (str(key[0].file), key[0].line))
            raise CloudsRefused(self._sentences[key] for key in in_order)
