"""Every column of the trail is in its canonical spelling, and the spelling cannot be gamed."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from snapshots.audit.database.settled import TRAIL
from snapshots.audit.seals.canonical import FIELDS, FORMAT, leaf


def test_no_column_is_forgotten():
    for name, model in TRAIL.items():
        columns = {field.attname for field in model._meta.concrete_fields}
        assert set(FIELDS[FORMAT][name]) == columns, name


def test_nothing_moves_from_one_field_to_the_next():
    assert leaf("t", ("a", "b"), ("xy", "z")) != leaf("t", ("a", "b"), ("x", "yz"))
    assert leaf("t", ("a",), ("1:s",)) != leaf("t", ("a",), ("1:", "s")[:1])
    assert len({leaf("t", ("a",), (v,)) for v in (None, "", "n", 0, False, {}, "0", "{}")}) == 8


def test_a_value_is_spelt_alike_from_the_database_and_from_an_export():
    names = ("at", "id", "headers")
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    told = {"b": "ü", "a": "1"}
    stored = (moment.astimezone(timezone(timedelta(hours=3))), UUID(int=7), told)
    exported = ("2026-03-01T12:00:00.000000Z", str(UUID(int=7)), {"a": "1", "b": "ü"})
    assert leaf("t", names, stored) == leaf("t", names, exported)
