"""The newest that a search finds are what matches, however little is looked through for them."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from snapshots.audit import newest as room
from snapshots.audit import search
from snapshots.audit.newest import newest
from snapshots.models import Entry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
EVERY = {"actor_name": "a", "on_behalf_of": "", "ticket": "", "cloud": "x", "volume_id": ""}


def entry(number, **told):
    every = EVERY | {"volume_name": "", "code": "", "text": "x", "kind": "exchange"} | told
    return Entry(
        at=NOON + timedelta(seconds=number),
        row=100_000 + number,
        record=uuid.uuid4(),
        what="create",
        background=False,
        **every,
    )


def found(query):
    return newest(Entry.objects.all(), search.parse(query))


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr(room, "MOST_CANDIDATES", 100)
    monkeypatch.setattr(room, "MOST_ASKED_FOR_WORDS", 100)
    monkeypatch.setattr(room, "LEAST_CANDIDATES", 10)
    for one in (room, search):
        monkeypatch.setattr(one, "MOST_TEXT_HITS", 200)


@pytest.mark.parametrize("query", ["volume:vol-00055", f"volume:{uuid.UUID(int=56)}"])
def test_a_volume_is_found_among_more_than_are_looked_through(monkeypatch, query):
    monkeypatch.setattr(room, "MOST_VALUES", 50)
    Entry.objects.bulk_create(
        entry(one, volume_id=str(uuid.UUID(int=one + 1)), volume_name=f"vol-{one:05}")
        for one in range(60)
    )
    assert [one.row for one in found(query).entries] == [100_055]


def test_many_volumes_are_asked_for_both_sides_at_once():
    Entry.objects.bulk_create(entry(one, volume_name=f"web-{one:03}") for one in range(150))
    assert len(found("volume:web background:yes actor:a").entries) == 50


def test_only_volumes_that_match_are_shown():
    """The beginning of an id is asked for with six characters at least."""
    ids = [f"d9{one:06}-0000-4000-8000-000000000000" for one in range(3)]
    Entry.objects.bulk_create(entry(row, volume_id=one) for row, one in enumerate(ids))
    assert found("volume:d9").entries == []
    assert len(found("volume:d90000").entries) == 3


def test_what_one_way_found_is_not_lost_by_another_that_passes_it_by(few_at_once):
    """The word is everywhere of late; the ticket has it in old rows only, among others without."""
    old = [entry(one - 5000, ticket="CHG1", text="zzz") for one in range(200)]
    wanted = [entry(one, ticket="CHG1", text="timeout") for one in range(30)]
    late = [entry(1000 + one, text="timeout") for one in range(300)]
    Entry.objects.bulk_create([*old, *wanted, *late])
    page = found("ticket:CHG1 timeout")
    assert [one.row for one in page.entries] == [100_000 + one for one in range(29, -1, -1)]
    assert page.is_cut
    assert search.find(Entry.objects.all(), search.parse("ticket:CHG1 timeout")).count() == 30
