"""Which volumes a grant by rule covers: a question to what was last read of a volume.

Patterns are whole names in which `*` stands for any characters and `?` for one. They are compared
as searches compare: case, accents and full-width forms make no difference. Everything else in a
pattern stands for itself, brackets and `%` too.
"""

import fnmatch
import glob
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from snapshots.models import Volume, VolumeGrant
from snapshots.models.folding import fold

_WILDCARDS = re.compile(r"([*?])")


def read_pattern(pattern: str) -> re.Pattern[str]:
    """For folded texts. Takes time in proportion to pattern and text, hostile ones too."""
    return re.compile(fnmatch.translate(_folded_pattern(pattern)))


def _folded_pattern(pattern: str) -> str:
    """The parts between wildcards are folded by themselves: a full-width asterisk stands for
    itself.
    """
    return "".join(
        part if part in {"*", "?"} else glob.escape(fold(part))
        for part in _WILDCARDS.split(pattern)
    )


def says_nothing(condition: str) -> bool:
    """Whether a condition is filled in, and only with what no comparison sees: a lone accent."""
    return bool(condition) and not fold(condition)


# What rules ask of a volume: who changes none of these need not match it again.
FACTS = ("name", "volume_type", "availability_zone", "server_ids", "metadata")


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What rules ask of a volume, folded once for all of them. Empty where nothing was read."""

    name: str
    volume_type: str
    availability_zone: str
    server_ids: frozenset[str]
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, volume: Volume) -> "VolumeFacts":
        return cls.read(*(getattr(volume, name) for name in FACTS))

    @classmethod
    def read(
        cls,
        name: str,
        volume_type: str,
        availability_zone: str,
        server_ids: Iterable[str] | None,
        metadata: Mapping[str, str] | None,
    ) -> "VolumeFacts":
        """From the columns of `FACTS`, in their order."""
        return cls(
            name=fold(name),
            volume_type=fold(volume_type),
            availability_zone=fold(availability_zone),
            server_ids=frozenset(server_ids or ()),
            metadata=metadata or {},
        )


def facts_of(volumes: QuerySet[Volume]) -> list[tuple[int, VolumeFacts]]:
    """Of each volume its key and its facts, read once for any number of rules."""
    rows = volumes.order_by("pk").values_list("pk", *FACTS)
    return [(key, VolumeFacts.read(*columns)) for key, *columns in rows]


@dataclass(frozen=True, slots=True)
class Rule:
    """The conditions of a grant. All that are set must hold; with none it covers nothing."""

    name: re.Pattern[str] | None
    server_id: str
    metadata_key: str
    metadata_value: re.Pattern[str] | None
    volume_type: str
    availability_zone: str

    @classmethod
    def of(cls, grant: VolumeGrant) -> "Rule":
        return cls(
            name=read_pattern(grant.name_pattern) if grant.name_pattern else None,
            server_id=grant.server_id,
            metadata_key=grant.metadata_key,
            metadata_value=read_pattern(grant.metadata_value) if grant.metadata_value else None,
            volume_type=_folded_condition(grant.volume_type),
            availability_zone=_folded_condition(grant.availability_zone),
        )

    def covers(self, volume: VolumeFacts) -> bool:
        # From the cheapest to the dearest; each is skipped where it is not set.
        if self.volume_type and self.volume_type != volume.volume_type:
            return False
        if self.availability_zone and self.availability_zone != volume.availability_zone:
            return False
        if self.server_id and self.server_id not in volume.server_ids:
            return False
        if self.name is not None and self.name.match(volume.name) is None:
            return False
        return self._has_metadata(volume) and self._has_condition()

    def _has_metadata(self, volume: VolumeFacts) -> bool:
        if self.metadata_value is None:
            return not self.metadata_key
        value = volume.metadata.get(self.metadata_key)
        return value is not None and self.metadata_value.match(fold(value)) is not None

    def _has_condition(self) -> bool:
        texts = self.server_id, self.metadata_key, self.volume_type, self.availability_zone
        return self.name is not None or any(texts)


def is_without_limit(grant: VolumeGrant) -> bool:
    """Whether the rule covers every volume that there may ever be."""
    pattern = _folded_pattern(grant.name_pattern)
    return set(grant.conditions) == {"name_pattern"} and not pattern.strip("*")


def _folded_condition(text: str) -> str:
    """A condition that folds to nothing must not drop out. No folded text is the unfolded one."""
    return fold(text) or text
