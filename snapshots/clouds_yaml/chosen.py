"""Which entries of the file a setting names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The entries' `names`, and the `setting` to mention when a name is not in the file."""

    names: tuple[str, ...]
    setting: str
