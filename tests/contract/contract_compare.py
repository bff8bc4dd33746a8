"""Compares a recorded answer with another cloud's: status, shape and words.

Ids, times and addresses differ between clouds; they are compared by their form. An id met for the
first time is noted as the same thing's id here and there, and must be so from then on.
"""

import re
from typing import Any
from urllib.parse import urlsplit

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{6})(Z?)")
ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}")
# Keys whose values are the cloud's own.
FREE = {
    *("availability_zone", "volume_type", "audit_ids", "region", "region_id", "host_name"),
    *("zoneName", "is_domain_name", "description_of_type", "guaranteed_until"),
}
EXACT_NUMBERS = {"size", "code", "count", "limit", "in_use", "reserved"}
QUOTA_OF_TYPE = re.compile(r"(volumes|gigabytes|snapshots)_.+")


class Comparison:
    """Finds what differs; keeps the pairs of ids."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def here(self, text: str) -> str:
        """A recorded text with the ids of the cloud under test."""
        for recorded, actual in self.ids.items():
            text = text.replace(recorded, actual)
        return text

    def bodies(self, recorded: Any, actual: Any, *, loose: bool = False) -> list[str]:
        if isinstance(recorded, dict) and "described" in recorded:
            return self._described(recorded["described"], actual)
        return self._values("", recorded, actual, loose=loose)

    def _described(self, noun: str, actual: Any) -> list[str]:
        is_list = isinstance(actual, dict) and isinstance(actual.get(noun), list)
        return [] if noun == "other" or is_list else [f"no list of {noun}"]

    def _values(self, path: str, recorded: Any, actual: Any, *, loose: bool = False) -> list[str]:
        if type(recorded) is not type(actual):
            # Where the first row is left to chance, so are its nulls.
            by_chance = loose and None in (recorded, actual)
            return [] if by_chance else [f"{path}: {recorded!r} became {actual!r}"]
        if isinstance(recorded, dict):
            return self._objects(path, recorded, actual, loose=loose)
        if isinstance(recorded, list):
            return self._lists(path, recorded, actual, loose=loose)
        if isinstance(recorded, str):
            return self._texts(path, recorded, actual, loose=loose)
        exact = isinstance(recorded, bool) or path.rpartition(".")[2] in EXACT_NUMBERS
        if exact and not loose and recorded != actual:
            return [f"{path}: {recorded!r} became {actual!r}"]
        return []

    def _objects(
        self, path: str, recorded: dict[str, Any], actual: dict[str, Any], *, loose: bool
    ) -> list[str]:
        if path.endswith(".metadata") and loose:
            return []
        if path == ".quota_set":
            recorded = {k: v for k, v in recorded.items() if not QUOTA_OF_TYPE.fullmatch(k)}
            actual = {k: v for k, v in actual.items() if not QUOTA_OF_TYPE.fullmatch(k)}
            recorded.pop("backup_gigabytes", None)
            actual.pop("backup_gigabytes", None)
        differences = [f"{path}.{key} is missing" for key in recorded if key not in actual]
        optional = {"snapshots_links", "volumes_links"} if loose else set()
        differences = [text for text in differences if text.split()[0].lstrip(".") not in optional]
        extra = [key for key in actual if key not in recorded and key not in optional]
        differences += [f"{path}.{key} is new" for key in extra]
        for key in recorded:
            if key in actual:
                differences += self._values(
                    f"{path}.{key}", recorded[key], actual[key], loose=loose
                )
        return differences

    def _lists(
        self, path: str, recorded: list[Any], actual: list[Any], *, loose: bool
    ) -> list[str]:
        key = path.rpartition(".")[2]
        if key in ("catalog", "roles", "projects", "versions", "values", "volume_types", *FREE):
            loose = True
        if key in ("extensions", "availabilityZoneInfo", "messages", "endpoints", "methods"):
            loose = True
        if loose:
            return (
                self._values(path, recorded[0], actual[0], loose=True)
                if recorded and actual
                else []
            )
        if len(recorded) != len(actual):
            return [f"{path}: {len(recorded)} items became {len(actual)}"]
        differences = []
        for number, pair in enumerate(zip(recorded, actual, strict=True)):
            differences += self._values(f"{path}[{number}]", *pair)
        return differences

    def _texts(self, path: str, recorded: str, actual: str, *, loose: bool) -> list[str]:
        key = path.rpartition(".")[2]
        if key in FREE:
            return []
        if (time := TIME.fullmatch(recorded)) is not None:
            return self._times(path, time, actual)
        if key in ("href", "self", "url") or recorded.startswith("http://"):
            return [] if loose else self._addresses(path, recorded, actual)
        if ID.fullmatch(recorded) and ID.fullmatch(actual):
            return self._id(path, recorded, actual, loose=loose)
        actual = actual.partition("\n\nFailed validating")[0]  # Keystone's schema is not kept
        if self.here(recorded) == actual or loose:
            return []
        return [f"{path}: {self.here(recorded)!r} became {actual!r}"]

    def _times(self, path: str, recorded: re.Match[str], actual: str) -> list[str]:
        form = TIME.fullmatch(actual)
        whole = {int(recorded[1]) == 0, bool(form and int(form[1]) == 0)}
        if form is None or len(whole) == 2 or form[2] != recorded[2]:
            return [f"{path}: time {recorded[0]} became {actual}"]
        return []

    def _addresses(self, path: str, recorded: str, actual: str) -> list[str]:
        recorded_url, got = urlsplit(self.here(recorded)), urlsplit(actual)
        wanted_path = recorded_url.path.removeprefix("/identity")
        if wanted_path != got.path.removeprefix("/volume").removeprefix("/identity"):
            return [f"{path}: address {recorded_url.path} became {got.path}"]
        if recorded_url.query != got.query:
            return [f"{path}: query {recorded_url.query} became {got.query}"]
        return []

    def _id(self, path: str, recorded: str, actual: str, *, loose: bool) -> list[str]:
        if loose:
            return []
        if self.ids.setdefault(recorded, actual) != actual:
            return [f"{path}: {recorded} is {self.ids[recorded]} here, not {actual}"]
        return []


def header_differences(recorded: dict[str, str], actual: dict[str, str]) -> list[str]:
    """What differs in the headers worth comparing; request ids and tokens by their form."""
    differences = []
    for name, value in recorded.items():
        got = actual.get(name.lower(), "")
        if value == "req-…":
            same = bool(re.fullmatch(r"req-[0-9a-f-]{36}", got))
        elif name in ("X-Subject-Token", "WWW-Authenticate", "Allow"):
            same = bool(got)
        else:
            same = got == value
        if not same:
            differences.append(f"header {name}: {value!r} became {got!r}")
    unexpected = {"OpenStack-API-Version", "x-compute-request-id", "Retry-After", "X-Subject-Token"}
    return differences + [
        f"header {name} is new"
        for name in sorted(unexpected - set(recorded))
        if name.lower() in actual
    ]
