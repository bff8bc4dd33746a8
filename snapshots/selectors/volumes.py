"""Volumes a person may see or use."""

from django.db.models import Q, QuerySet

from snapshots.models import (
    Volume,
)
from snapshots.models.folding import fold, fold_words
from snapshots.models.ids import LEAST_OF_ID
from snapshots.selectors.pages import Page


def volumes_matching(volumes: QuerySet[Volume], *, text: str) -> QuerySet[Volume]:
    """Narrowed by free text: name, id, status, type, zone, what it is attached to, tags."""
    for word in fold(text).split()[:8]:
        says = Q(folded__contains=word)
        of_tags = fold_words(
            word
        ).strip()  # of which only the words are kept, not the signs between
        if " " in of_tags:
            says |= Q(folded__contains=of_tags)
        if len(word) >= LEAST_OF_ID:
            says |= Q(volume_id__icontains=word)
        volumes = volumes.filter(says)
    return volumes


def volumes_page(volumes: QuerySet[Volume], *, after: str = "", size: int = 100) -> Page[Volume]:
    """By name. `after` is the `next` of the page before; nonsense starts at the top."""
    volumes = volumes.order_by("name", "volume_id", "id")
    is_number = after.isdecimal() and len(after) < 19
    last = Volume.objects.filter(pk=int(after)).first() if is_number else None
    if last is not None:
        volumes = volumes.filter(
            Q(name__gt=last.name)
            | Q(name=last.name, volume_id__gt=last.volume_id)
            | Q(name=last.name, volume_id=last.volume_id, id__gt=last.pk)
        )
    rows = list(volumes[: size + 1])
    return Page(rows[:size], str(rows[size - 1].pk) if len(rows) > size else None)
