"""Reads a table of an entry key by key; each mistake becomes a sentence with its line."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from snapshots.clouds_yaml import texts
from snapshots.clouds_yaml.documents import Kind, Scalar, Table, Value
from snapshots.clouds_yaml.files import full_path, read_text, trouble_with
from snapshots.clouds_yaml.mistakes import Location, Mistakes
from snapshots.clouds_yaml.schema import names_of_the_same, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Collects the mistakes of one entry."""

    cloud: str
    mistakes: Mistakes

    def add(self, message: str, *, location: Location) -> None:
        self.mistakes.add(message, location=location, cloud=self.cloud)


@dataclass(slots=True, kw_only=True)
class Section:
    """Reads the values of a table, whose keys are normalised (`normalised`).

    Each reader returns an empty value for a key that is absent or refused. `labels` gives a key's
    name in the file when that differs from `prefix` and the key.
    """

    table: Table
    report: Report
    folder: Path
    prefix: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    misspelt: set[str] = field(default_factory=set)

    # --- keys -----------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        return key in self.table.entries

    def refuse(self, key: str, problem: str) -> None:
        """Report a mistake in a key's value, or in the table when the key is absent."""
        value = self.table.entries.get(key)
        self.report.add(f"{self.label(key)} {problem}.", location=self._location(key, value))

    def is_empty(self, key: str) -> bool:
        """Whether the key has the empty text as its value, which counts as an absent key."""
        value = self.table.entries.get(key)
        return isinstance(value, Scalar) and value.kind is Kind.TEXT and not value.text

    def label(self, key: str) -> str:
        return self.labels.get(key, f"{self.prefix}{key}")

    def is_mentioned(self, key: str) -> bool:
        """Whether the key exists in any form, so that it cannot be called missing."""
        forms = {key, f"{key}_file", f"{key}_env"}
        return bool(forms & self.table.entries.keys()) or bool(forms & self.misspelt)

    def check_keys(
        self,
        allowed: Collection[str],
        *,
        refused: Mapping[str, str] | None = None,
        suggestions: Collection[str] = (),
    ) -> None:
        """Refuse keys that are not in `allowed`, and those in `refused` with their reason."""
        for key in self.table.entries:
            if refused and key in refused:
                self.refuse(key, f"is not read here: {refused[key]}")
            elif key not in allowed:
                self._refuse_unknown(key, suggestions or allowed)

    def _refuse_unknown(self, key: str, candidates: Collection[str]) -> None:
        near = nearest(re.split("[:=]", key, maxsplit=1)[0], candidates)
        self.misspelt.add(near)
        value = self.table.entries[key]
        is_bare = isinstance(value, Scalar) and value.kind is Kind.NOTHING and not value.text
        # `{password:x}` is a key, and in `{password: x,y}` the y is: neither may be quoted.
        if is_bare or not re.fullmatch(r"[\w.-]{1,60}", key):
            meant = f" (for {self.prefix}{near}?)" if near else ""
            table = self.prefix.rstrip(".") or "the entry"
            message = (
                f"{table} holds a key without a value{meant}; write a blank behind the colon, and"
                " quotes around a text that holds a comma."
            )
        elif near:
            message = (
                f"{self.label(key)} is not a key of clouds.yaml; did you mean {self.prefix}{near}?"
            )
        else:
            message = (
                f"{self.label(key)} is a key that neither the portal nor OpenStack clients know;"
                " take it away."
            )
        self.report.add(message, location=self._location(key, None))

    def _location(self, key: str, value: Value | None) -> Location:
        if isinstance(value, Scalar):
            return value.location
        return self.table.key_locations.get(key, self.table.location)

    # --- kinds of values ------------------------------------------------------------------------

    def raw_text(self, key: str) -> str:
        """A value that must be a text of any content."""
        value = self.table.entries.get(key)
        if value is None:
            return ""
        if not isinstance(value, Scalar):
            self.refuse(key, "must be a text, and is a table or a list")
        elif value.kind is Kind.NOTHING:
            self.refuse(
                key,
                "is empty, which YAML reads as nothing; put it into quotes, or take the line away",
            )
        elif value.kind is Kind.TAGGED:
            self.refuse(
                key,
                "begins with a mark such as `!` or `=` that YAML does not read as text;"
                " put it into quotes",
            )
        elif value.kind is not Kind.TEXT:
            self.refuse(key, f"is read by YAML as {value.kind.value}; put it into quotes")
        else:
            return value.text
        return ""

    def text(self, key: str) -> str:
        text = self.raw_text(key)
        if trouble := texts.trouble_with_text(text):
            self.refuse(key, trouble)
            return ""
        return text

    def choice(self, key: str, choices: Collection[str], *, default: str) -> str:
        text = self.text(key)
        if text and text not in choices:
            near = nearest(text, choices)
            meant = f"did you mean {near}" if near else f"it must be {_either(choices)}"
            rest = f"? There are {', '.join(sorted(choices))}" if near else ""
            self.refuse(key, f"is {text!r}; {meant}{rest}")
        return text if text in choices else default

    def truth(self, key: str) -> bool | None:
        """A boolean; None when absent or refused."""
        value = self.table.entries.get(key)
        if value is None:
            return None
        if isinstance(value, Scalar) and value.kind is Kind.TRUTH:
            return value.text.lower() in {"true", "yes", "on"}
        self.refuse(key, "must be true or false, without quotes")
        return None

    def number(self, key: str, *, most: float) -> float | None:
        """A number above 0; None when absent or refused."""
        value = self.table.entries.get(key)
        if value is None:
            return None
        if isinstance(value, Scalar) and value.kind is Kind.NUMBER:
            number = _as_number(value.text)
            if 0 < number <= most:
                return number
        self.refuse(key, f"must be a number above 0 and at most {most:g}, without quotes")
        return None

    def section(self, key: str) -> "Section | None":
        """The table below a key; None when absent or refused."""
        value = self.table.entries.get(key)
        if isinstance(value, Table):
            return Section(
                table=value,
                report=self.report,
                folder=self.folder,
                prefix=f"{self.prefix}{key}.",
            )
        if isinstance(value, Scalar) and value.kind is Kind.NOTHING:
            self.refuse(
                key, "is empty; write its keys below it, further to the right, or take it away"
            )
        elif value is not None:
            self.refuse(key, "must be a table of keys and values")
        return None

    def address(self, key: str) -> str:
        url = self.text(key)
        if url and (trouble := texts.trouble_with_address(url)):
            self.refuse(key, trouble)
            return ""
        return url

    # --- files and secrets ----------------------------------------------------------------------

    def file(self, key: str, *, private: bool, may_be_folder: bool = False) -> Path | None:
        """The file that a value names, if it can be read."""
        text = self.text(key)
        if not text:
            return None
        try:
            path = full_path(text, folder=self._folder_of(key))
        except ValueError as error:
            self.refuse(key, f"{error}")
            return None
        if trouble := trouble_with(path, private=private, may_be_folder=may_be_folder):
            self.refuse(key, f"names {path}, which {trouble}")
            return None
        return path

    def _folder_of(self, key: str) -> Path:
        """The folder of the file that holds the key: relative paths start there."""
        value = self.table.entries.get(key)
        return value.location.file.parent if value else self.folder

    def secret(self, key: str) -> str:
        """A secret written here, or in a file or variable named here."""
        forms = [form for form in (key, f"{key}_file", f"{key}_env") if self.has(form)]
        if len(forms) > 1:
            self.refuse(forms[1], f"stands beside {forms[0]}; keep one of them")
            return ""
        if not forms:
            return ""
        if forms[0] == key:
            return self._written_secret(key)
        if self.is_empty(forms[0]):
            self.refuse(forms[0], "is empty; write where the secret is, or take the line away")
            return ""
        from_elsewhere = self._secret_in_file if forms[0].endswith("_file") else self._variable
        return from_elsewhere(forms[0])

    def _written_secret(self, key: str) -> str:
        secret = self.raw_text(key)
        if trouble := texts.trouble_with_written_secret(secret):
            self.refuse(key, trouble)
            return ""
        return secret

    def _secret_in_file(self, key: str) -> str:
        path = self.file(key, private=True)
        if path is None:
            return ""
        try:
            secret = read_text(path).rstrip("\r\n")
        except ValueError as error:
            self.refuse(key, f"names {path}, which {error}")
            return ""
        return self._checked(key, secret, source=str(path))

    def _variable(self, key: str) -> str:
        name = self.raw_text(key)
        if not name:
            return ""
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            self.refuse(key, "must be the name of a variable, without $ or braces")
            return ""
        if name not in os.environ:
            self.refuse(key, f"names the variable {name}, which is not set")
            return ""
        return self._checked(key, os.environ[name], source=f"the variable {name}")

    def _checked(self, key: str, secret: str, *, source: str) -> str:
        if not secret:
            self.refuse(key, f"names {source}, which is empty")
            return ""
        if trouble := texts.trouble_with_revealed_secret(secret):
            self.refuse(key, f"names {source}, whose content {trouble}")
            return ""
        return secret


# Other tables are not read: they hold other programs' settings, or a password was meant there, and
# then their keys must not be quoted.
_TABLES = frozenset({"auth", "evs", "proxy", "values"})


def normalised(table: Table, *, report: Report) -> Table:
    """The table, and the tables within it, with `_` for `-` in keys. Repeated keys and keys that
    are no text are refused.
    """
    entries: dict[str, Value] = {}
    locations: dict[str, Location] = {}
    for written, value in table.entries.items():
        key = written.strip().replace("-", "_")
        location = table.key_locations[written]
        if key in entries:
            report.add(
                f"{written} and {key} are the same key; keep one of them.", location=location
            )
            continue
        is_ours = isinstance(value, Table) and key in _TABLES
        entries[key] = normalised(value, report=report) if is_ours else value  # type: ignore[arg-type]
        locations[key] = location
    for key, location in table.repeated:
        report.add(f"{key} stands here twice in one table; keep one of them.", location=location)
    for location in table.bad_merges:
        report.add("`<<` must name a table, such as *name for one with &name.", location=location)
    for _key, location in table.odd_keys:  # not told, since it may be a piece of a password
        message = "a key stands here that is no text for YAML; put it into quotes, or take it away."
        report.add(message, location=location)
    return Table(entries, locations, table.location)


def overlaid(below: Table, above: Table, *, is_above_main: bool = False) -> Table:
    """`below`, overridden by what `above` says; tables in both are merged. What is missing in the
    result is reported at the location of `below`, or of `above` when that is the main table.
    """
    entries = dict(below.entries)
    for key, value in above.entries.items():
        inner = entries.get(key)
        for other_name in names_of_the_same(key) - above.entries.keys():
            entries.pop(other_name, None)
        if isinstance(inner, Table) and isinstance(value, Table):
            entries[key] = overlaid(inner, value, is_above_main=is_above_main)
        else:
            entries[key] = value
    location = above.location if is_above_main else below.location
    return Table(entries, {**below.key_locations, **above.key_locations}, location)


def _as_number(text: str) -> float:
    """A plain decimal number; 0 for `010`, which is octal, and for the other forms YAML has."""
    is_plain = re.fullmatch(r"(0|[1-9][0-9]{0,8})(\.[0-9]+)?|\.[0-9]+", text)
    return float(text) if is_plain else 0.0


def _either(choices: Collection[str]) -> str:
    return " or ".join(sorted(choices))
