"""Volumes a person may see or use."""

import json

from django.db.models import IntegerField, Q, QuerySet
from django.db.models.functions import Coalesce

from snapshots.models import Volume
from snapshots.models.folding import fold, fold_words
from snapshots.models.ids import LEAST_OF_ID
from snapshots.selectors.keyset import Order, in_both_directions, keyset_page
from snapshots.selectors.pages import Page

NO_SIZE = -1  # the cloud told none
ORDERS = in_both_directions(
    {
        "name": Order("name"),
        "status": Order("status"),
        "size": Order("known_size", holds=int),
        "type": Order("volume_type"),
        "zone": Order("availability_zone"),
    }
)
BY_NAME = "name"


def volumes_matching(volumes: QuerySet[Volume], *, text: str) -> QuerySet[Volume]:
    """Narrowed by free text: name, id, status, type, zone, what it is attached to, tags."""
    parts = fold(text).split()
    # Of names of servers and of tags only the words are kept: a sign by itself would find none.
    parts = [part for part in parts if fold_words(part).strip()] or parts
    for word in parts[:8]:
        says = Q(folded__contains=word)
        # With a blank for each sign that stands in their JSON, where a backslash is two.
        of_json = fold_words(json.dumps(word)[1:-1])
        if of_json.strip() and " " in of_json:
            says |= Q(folded__contains=of_json)
        if len(word) >= LEAST_OF_ID:
            says |= Q(volume_id__icontains=word)
        volumes = volumes.filter(says)
    return volumes


def volumes_page(
    volumes: QuerySet[Volume], *, sort: str = BY_NAME, after: str = "", size: int = 100
) -> Page[Volume]:
    """In an order of `ORDERS`. `after` is the `next` of the page before."""
    volumes = volumes.annotate(known_size=Coalesce("size_gb", NO_SIZE, output_field=IntegerField()))
    return keyset_page(volumes, ORDERS.get(sort, ORDERS[BY_NAME]), after=after, size=size)
