"""Every column of the trail is in its canonical spelling, and the spelling cannot be gamed."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals.canonical import FIELDS, FORMAT, leaf_function, leaf_of_fields, plain_row
from tools.verify_audit import leaf_of

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


def test_no_column_is_forgotten():
    for name, model in TRAIL.items():
        columns = {field.attname for field in model._meta.concrete_fields}
        assert set(FIELDS[FORMAT][name]) == columns, name


def leaf(names, values):
    return leaf_of_fields("t", names)(values)


@pytest.mark.parametrize("table", FIELDS[FORMAT])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(row=some.data())
def test_portal_and_verifier_spell_a_leaf_alike(table, row):
    names = FIELDS[FORMAT][table]
    values = row.draw(some.lists(VALUES, min_size=len(names), max_size=len(names)))
    assert leaf_function(FORMAT, table)(values) == leaf_of(table, plain_row(table, values))


def test_row_without_a_value_has_no_leaf():
    with pytest.raises(ValueError, match="zip"):
        leaf_function(FORMAT, "anomaly")([1, uuid4()])


def test_no_text_moves_to_the_next_field():
    assert leaf(("a", "b"), ("xy", "z")) != leaf(("a", "b"), ("x", "yz"))
    assert leaf(("a",), ("1:s",)) != leaf(("a",), ("1:",))
    assert len({leaf(("a",), (v,)) for v in (None, "", "n", 0, False, {}, "0", "{}")}) == 8


def test_database_and_export_give_the_same_leaf():
    names = ("at", "id", "headers")
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    headers = {"b": "ü", "a": "1"}
    stored = (moment.astimezone(timezone(timedelta(hours=3))), UUID(int=7), headers)
    exported = ("2026-03-01T12:00:00.000000Z", str(UUID(int=7)), {"a": "1", "b": "ü"})
    assert leaf(names, stored) == leaf(names, exported)
