"""The newest that a search finds are what matches, however little is looked through for them."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from snapshots.audit.search import newest as room
from snapshots.audit.search import query as search
from snapshots.audit.search.newest import newest
from snapshots.models import Entry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
EVERY = {"actor_name": "a", "on_behalf_of": "", "ticket": "", "cloud": "x", "volume_id": ""}


def entry(number, **told):
    names = dict.fromkeys(("volume_name", "target_id", "target_name", "code"), "")
    every = EVERY | names | {"text": "x", "kind": "exchange"} | told
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
    monkeypatch.setattr(room, "LEAST_CANDIDATES", 10)
    monkeypatch.setattr(room, "MOST_HITS", 200)


@pytest.mark.parametrize("query", ["volume:vol-00055", f"volume:{uuid.UUID(int=56)}"])
def test_volume_is_found_among_too_many_candidates(monkeypatch, query):
    monkeypatch.setattr(room, "MOST_VALUES", 50)
    Entry.objects.bulk_create(
        entry(one, volume_id=str(uuid.UUID(int=one + 1)), volume_name=f"vol-{one:05}")
        for one in range(60)
    )
    assert [one.row for one in found(query).entries] == [100_055]


def test_many_volumes_are_asked_for_both_sides_at_once():
    Entry.objects.bulk_create(entry(one, volume_name=f"web-{one:03}") for one in range(150))
    assert len(found("volume:web background:yes actor:a").entries) == 50
    assert len(found("volume:web background:yes x").entries) == 50


def test_only_volumes_that_match_are_shown():
    """The beginning of an id is asked for with six characters at least."""
    ids = [f"d9{one:06}-0000-4000-8000-000000000000" for one in range(3)]
    Entry.objects.bulk_create(entry(row, volume_id=one) for row, one in enumerate(ids))
    assert found("volume:d9").entries == []
    assert len(found("volume:d90000").entries) == 3


def walked(query):
    """All rows found, page after page."""
    rows, before = [], None
    while True:
        page = newest(Entry.objects.all(), search.parse(query), before=before)
        rows += [one.row - 100_000 for one in page.entries]
        if page.older is None:
            return rows
        before = page.older


def test_what_one_way_found_is_not_lost_by_another(few_at_once):
    """The word is everywhere of late; the ticket has it in old rows only, among others without."""
    old = [entry(one - 5000, ticket="chg1", text="zzz") for one in range(200)]
    wanted = [entry(one, ticket="chg1", text="timeout") for one in range(30)]
    late = [entry(1000 + one, text="timeout") for one in range(300)]
    Entry.objects.bulk_create([*old, *wanted, *late])
    query = "ticket:CHG1 timeout"
    assert [one.row - 100_000 for one in found(query).entries] == list(range(29, -1, -1))
    assert walked(query) == list(range(29, -1, -1))
    assert search.find(Entry.objects.all(), search.parse(query)).count() == 30


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("timeout cloud:old", [2, 1, 0]),
        ("timeout before:2026-05-03", [2, 1, 0]),
        ("timeout -cloud:x", [2, 1, 0]),
        ("timeout since:2026-05-03 cloud:old", []),
        ("timeout", [*range(200_599, 199_999, -1), 2, 1, 0]),
    ],
)
def test_old_rows_of_a_frequent_word_are_found(few_at_once, query, rows):
    old = [entry(one, cloud="old", text="timeout") for one in range(3)]
    late = [entry(200_000 + one, text="timeout") for one in range(600)]
    Entry.objects.bulk_create([*old, *late])
    assert walked(query) == rows


def test_rows_written_late_are_found(few_at_once):
    """Their numbers are those of younger ones."""
    rows = [entry(one, text="timeout", cloud="old" if one % 7 == 0 else "x") for one in range(900)]
    late = [one for one in range(len(rows)) if one % 50 == 13]
    for one in late:  # fifteen places further on
        rows.insert(one + 15, rows.pop(one))
    Entry.objects.bulk_create(rows)
    assert walked("timeout") == list(range(899, -1, -1))
    assert walked("timeout cloud:old") == list(range(896, -1, -7))
