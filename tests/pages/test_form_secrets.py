"""Whoever types what looks like a secret is warned before it is kept; a tick sends it anyway."""

import re

import pytest

from snapshots.models import Action, ActionCode, Operation
from tests import factories as scene
from tests.audit.every_table import rows_with
from tests.factories import ask, errors_at, rows

SECRET = "password=Canary-hunter2"
TICK = "It is no secret; send it as it is"


@pytest.mark.parametrize("field", ["name", "description"])
def test_secret_is_warned_of_at_its_field(field, alice, volume):
    answer = ask(alice, volume, **{field: SECRET}, **rows(("team", "payroll")))
    words = "looks like a password or a key. Take it out, or tick"
    assert errors_at(answer, field) == [f"“{field.capitalize()}” {words} “{TICK}” below."]
    for kept in (SECRET, "payroll"):
        assert f'value="{kept}"' in answer.text
    assert f'href="#id_{field}"' in answer.text
    assert '<input type="checkbox" name="no_secret" value="true"' in answer.text
    assert not re.search(r"<input[^>]* checked", answer.text)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("field", ["on_behalf_of", "ticket", "reason"])
def test_the_helpdesks_fields_are_looked_at_too(field, helen, volume):
    answer = ask(helen, volume, **{"ticket": "CHG-1", field: SECRET})
    assert len(errors_at(answer, field)) == 1
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("pair", "anchor"),
    [
        (("note", SECRET), "id_metadata-1-value"),
        (("db_password", "correcthorse"), "id_metadata-1-value"),
        (("AKIAIOSFODNN7EXAMPLE", "x"), "id_metadata-1-key"),
    ],
)
def test_metadata_is_warned_of_at_its_row(pair, anchor, alice, volume):
    answer = ask(alice, volume, **rows(("team", "payroll"), pair))
    assert [at for at, _ in answer.context["form"].problems] == [anchor]
    assert "Metadata row 2: This looks like" in answer.text
    assert f'value="{pair[1]}"' in answer.text
    assert not Operation.objects.exists()


def test_what_was_refused_is_written_nowhere(helen, volume, caplog):
    caplog.set_level("DEBUG", logger="snapshots")
    told = dict.fromkeys(("name", "description", "reason", "ticket", "on_behalf_of"), SECRET)
    answer = ask(helen, volume, **told, **rows(("password", "Canary-hunter2")))
    assert answer.status_code == 200
    assert rows_with("Canary") == []
    assert "Canary" not in caplog.text
    asked = {ActionCode.OPERATION_ASKED, ActionCode.OPERATION_REFUSED}
    assert not Action.objects.filter(code__in=asked).exists()


def test_a_tick_sends_it_and_is_written_down(alice, volume):
    answer = ask(alice, volume, name=SECRET, no_secret="true", **rows(("token", "no-secret-1")))
    made = Operation.objects.get()
    assert answer.url == f"/requests/{made.pk}/"
    assert (made.name, made.metadata) == (SECRET, {"token": "no-secret-1"})
    told = Action.objects.get(code=ActionCode.OPERATION_ASKED)
    assert told.details["consent"] == "what looks like a secret is none"


def test_box_is_absent_without_a_secret(alice, volume):
    assert "no_secret" not in alice.get("/snapshots/new/").text
    ask(alice, volume, no_secret="true")
    assert "consent" not in Action.objects.get(code=ActionCode.OPERATION_ASKED).details


@pytest.mark.parametrize("nonsense", ["0", "1", "no", "TRUE"])
def test_a_tick_is_a_tick_or_none(nonsense, alice, volume):
    answer = ask(alice, volume, name=SECRET, no_secret=nonsense)
    assert "what was sent is neither" in errors_at(answer, "no_secret")[0]
    assert len(errors_at(answer, "name")) == 1
    assert not Operation.objects.exists()


def test_all_problems_are_shown_with_the_tick(alice):
    busy = scene.volume("db", granted_to=alice.user, status="in-use")
    answer = ask(alice, busy, name=SECRET, no_secret="true", description="x" * 300)
    assert len(errors_at(answer, "force")) == len(errors_at(answer, "description")) == 1
    assert errors_at(answer, "name") == []
    assert 'name="no_secret" value="true"' in answer.text
    assert not Operation.objects.exists()


def test_a_row_added_without_script_keeps_everything(alice, volume):
    answer = ask(alice, volume, name=SECRET, no_secret="true", **{"add-row": "1"})
    assert f'value="{SECRET}"' in answer.text
    assert 'name="no_secret"' in answer.text
    assert not Operation.objects.exists()


def test_asking_again_needs_no_second_tick(alice, volume):
    old = scene.operation(alice.user, volume, state="refused", name=SECRET)
    page = alice.get("/snapshots/new/", {"again": str(old.pk)}).text
    assert f'value="{SECRET}"' in page
    alice.post(f"/requests/{old.pk}/again/", {"key": "0b5c7f4e-3d3a-4a51-9a3e-0d8c1f1f7a55"})
    assert Operation.objects.get(again_for=old).name == SECRET
