"""The page that asks for a change of a snapshot, whatever the kind."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.forms.renaming import RenameForm
from snapshots.forms.seen import written
from snapshots.models import (
    Action,
    ActionCode,
    Operation,
    Purpose,
    Snapshot,
    Volume,
    watched_snapshot,
)
from snapshots.operations.messages import action_label
from snapshots.selectors.operations import typical_seconds
from tests import factories

pytestmark = pytest.mark.django_db


def address(operation, kind, **query):
    row = watched_snapshot(operation)
    return reverse("snapshots:change", args=[row.cloud, row.snapshot_id, kind], query=query)


@pytest.mark.parametrize("kind", ["create", "nonsense"])
def test_kind_that_changes_nothing_has_no_page(alice, volume, kind):
    made = factories.operation(alice.user, volume, state="succeeded")
    factories.snapshot(made)
    assert alice.get(address(made, kind, key=uuid.uuid4())).status_code == 404


@pytest.fixture
def made(alice, volume):
    operation = factories.operation(alice.user, volume, state="succeeded", name="before")
    factories.snapshot(operation, name="before")
    return operation


def typed(**texts):
    """Onto a page that was opened a moment ago."""
    row = Snapshot.objects.get()
    seen = RenameForm.facts_of(row, Volume.objects.get(volume_id=row.volume_id))
    fields = {"key": str(uuid.uuid4()), "name": "after", "description": ""}
    return fields | {"seen": written(seen)} | texts


def test_detail_leads_to_the_form_and_back(alice, made):
    page = alice.get(reverse("snapshots:detail", args=[made.pk])).text
    assert address(made, "rename") in page
    form = alice.get(address(made, "rename"), follow=True)
    assert 'value="before"' in form.text
    key = form.context["key"]
    done = alice.post(address(made, "rename", key=key), typed(key=key), follow=True)
    assert "Your request is recorded" in done.text
    assert "Rename a snapshot" in done.text
    asked = Operation.objects.get(kind="rename")
    assert (asked.name, asked.target.name, asked.state) == ("after", "before", "queued")


def test_trail_names_the_kind_that_was_asked_for(alice, audrey, made):
    key = str(uuid.uuid4())
    alice.post(address(made, "rename", key=key), typed(key=key))
    action = Action.objects.get(operation__kind="rename")
    assert "asked to rename a snapshot" in audrey.get("/audit/").text
    assert "alice</bdi> asked to rename a snapshot" in audrey.get(f"/audit/{action.id}/").text


@pytest.mark.parametrize("details", [[], "rename", {"kind": "melt"}, {"kind": ["rename"]}])
def test_action_with_damaged_details_has_a_label(details):
    action = Action(code=ActionCode.OPERATION_ASKED, details=details)
    assert action_label(action) == "asked for a snapshot"


def test_create_is_not_compared_with_its_renamed_snapshot(alice, audrey, volume, made):
    create = factories.exchange(made)
    renamed = factories.operation(
        alice.user,
        volume,
        kind="rename",
        state="succeeded",
        target_snapshot=made.snapshot,
        name="after",
        ago_seconds=30,
    )
    made.snapshot.name = "after"
    made.snapshot.save()
    page = audrey.get(f"/audit/{create.id}/").text
    assert "A later request has changed the snapshot" in page
    assert "badge--bad" not in page
    body = '{"snapshot": {"name": "after", "description": ""}}'
    change = factories.exchange(
        renamed, method="PUT", purpose=Purpose.RENAME, body=body, status=200
    )
    assert "as asked" in audrey.get(f"/audit/{change.id}/").text.lower()


def test_usual_time_is_of_the_same_kind(alice, volume, made):
    moment = timezone.now()
    factories.operation(
        alice.user,
        volume,
        kind="rename",
        state="succeeded",
        target_snapshot=made.snapshot,
        asked_at=moment,
        finished_at=moment + timedelta(seconds=2),
    )
    assert typical_seconds(made.cloud, "create") == 12
    assert typical_seconds(made.cloud, "rename") == 2


def test_second_submit_finds_the_first(alice, made):
    key = str(uuid.uuid4())
    for _ in range(2):
        done = alice.post(address(made, "rename", key=key), typed(key=key), follow=True)
    assert "already sent" in done.text
    assert Operation.objects.filter(kind="rename").count() == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"name": "ş" * 200}, "bytes"),
        ({"name": "autobk_snapshot_x"}, "autobk_snapshot"),
        ({"name": "before"}, "already"),
        ({"name": "a\tb"}, "control character"),
    ],
)
def test_bad_texts_are_refused_at_their_field(alice, made, texts, message):
    key = str(uuid.uuid4())
    page = alice.post(address(made, "rename", key=key), typed(key=key, **texts)).text
    assert message in page
    assert not Operation.objects.filter(kind="rename").exists()


def test_stranger_and_auditor_get_no_form(bob, audrey, made):
    assert bob.get(address(made, "rename", key=uuid.uuid4())).status_code == 404
    assert audrey.get(address(made, "rename", key=uuid.uuid4())).status_code in {403, 404}


def test_snapshot_not_ready_offers_no_change(alice, volume):
    open_one = factories.operation(alice.user, volume, state="accepted")
    factories.snapshot(open_one, status="creating")
    assert "/rename/" not in alice.get(reverse("snapshots:detail", args=[open_one.pk])).text
    answer = alice.get(address(open_one, "rename", key=uuid.uuid4()), follow=True)
    assert "The cloud is still making it" in answer.text
    assert "Nothing was asked" in answer.text


def test_refused_change_leads_to_its_own_form(alice, volume, made):
    refused = factories.operation(
        alice.user,
        volume,
        state="refused",
        kind="rename",
        target_snapshot=made.snapshot,
        outcome_code="refused",
    )
    page = alice.get(reverse("snapshots:detail", args=[refused.pk])).text
    assert address(refused, "rename") in page
    assert alice.get(address(refused, "rename", key=uuid.uuid4())).status_code == 200
