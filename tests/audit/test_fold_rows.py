"""The migration folds what was there before, in batches, and may be run again."""

import importlib
from types import SimpleNamespace

import pytest
from django.db import connection

from snapshots.audit import guards, search
from snapshots.models import Action, Entry, Exchange, Operation, Volume, folded
from tests.pages import scene

MIGRATION = importlib.import_module("snapshots.migrations.0026_fold_rows")


def _as_before():
    """Rows as they were: nothing folded, names and words as they were typed."""
    guards.lift()
    for model in folded.SEARCHED:
        with connection.cursor() as cursor:
            table = model._meta.db_table
            for name in (
                f"fold_{model._meta.model_name}{end}" for end in ("", "_insert", "_update")
            ):
                of = f' ON "{table}"' if connection.vendor == "postgresql" else ""
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{of}')
        model.objects.update(folded=None)
    Entry.objects.update(
        actor_id=None, actor_name="Alice", volume_name="Über", ticket="CHG-ß", text="See: MUĞLA!"
    )


@pytest.mark.django_db(transaction=True)
def test_rows_of_before_are_found_and_keep_their_trail(monkeypatch):
    monkeypatch.setattr(MIGRATION, "BATCH", 2)
    person = scene.person("alice")
    for number in range(5):
        volume = scene.volume(f"Über {number}")
        made = scene.operation(person, volume)
        scene.exchange(made)
    trail = list(Exchange.objects.values()), list(Action.objects.values())
    _as_before()
    for _twice in range(2):
        MIGRATION.fold_rows(None, SimpleNamespace(connection=connection))
        entries = Entry.objects.filter(kind="exchange")
        assert set(entries.values_list("actor_id", "actor_name", "volume_name", "ticket")) == {
            (person.pk, "alice", "uber", "chg-ss")
        }
        assert search.find(entries, search.parse("mugla")).count() == 5
        assert Volume.objects.filter(folded__contains="uber").count() == 5
        assert Operation.objects.filter(folded__contains="uber").count() == 5
    assert trail == (list(Exchange.objects.values()), list(Action.objects.values()))
    assert (guards.missing(), folded.missing()) == ([], [])
