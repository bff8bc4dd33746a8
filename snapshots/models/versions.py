"""How often what pages show was changed, by topic. An open page asks for these numbers alone."""

from collections.abc import Iterable

from django.db import models

# Of everybody's requests, of all snapshots, of clouds and quotas, of grants, of who may do what.
OPERATIONS, SNAPSHOTS, CLOUDS, GRANTS, RIGHTS = (
    "operations",
    "snapshots",
    "clouds",
    "grants",
    "rights",
)
FIXED_TOPICS = (OPERATIONS, SNAPSHOTS, CLOUDS, GRANTS, RIGHTS)


class Version(models.Model):
    """A topic and how often it was changed. Triggers count (`version_triggers.py`): a number grows
    in the same commit as what it counts, whichever statement wrote it.
    """

    topic = models.CharField(max_length=200, primary_key=True)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.topic}: {self.number}"


Numbers = dict[str, int]


def topic_of_person(person_id: int) -> str:
    """The requests of one person, and those asked again for them, with the snapshots they made."""
    return f"person:{person_id}"


def topic_of_volume(cloud: str, volume_id: str) -> str:
    """A volume, its snapshots, and the requests that are about it."""
    return f"volume:{cloud} {volume_id}"


def numbers_of(topics: Iterable[str]) -> Numbers:
    """How often each was changed. A topic that was never changed is left out."""
    rows = Version.objects.filter(topic__in=list(topics))
    return dict(rows.values_list("topic", "number"))
