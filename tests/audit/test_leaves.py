"""The quick way to a leaf is the same as the plain one."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from snapshots.audit.seals.canonical import FIELDS, FORMAT, leaf
from snapshots.audit.seals.leaves import leaf_maker

ZONES = some.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))])
WORDS = some.text(some.characters(codec=None), max_size=8)
VALUES = some.one_of(
    WORDS,
    some.none(),
    some.booleans(),
    some.integers(),
    some.uuids(),
    some.datetimes(min_value=datetime(2, 1, 1), timezones=ZONES),
    some.dictionaries(WORDS, some.one_of(WORDS, some.lists(some.integers(), max_size=3))),
)


@pytest.mark.parametrize("table", FIELDS[FORMAT])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(row=some.data())
def test_a_leaf_is_the_same_either_way(table, row):
    names = FIELDS[FORMAT][table]
    values = row.draw(some.lists(VALUES, min_size=len(names), max_size=len(names)))
    assert leaf_maker(FORMAT, table)(values) == leaf(table, names, values)


def test_a_row_that_lacks_a_value_has_no_leaf():
    with pytest.raises(ValueError, match="zip"):
        leaf_maker(FORMAT, "anomaly")([1, uuid.uuid4()])
