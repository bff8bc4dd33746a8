"""What auditors see of records that are no longer here."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.models import Exchange, Tombstone
from snapshots.views.timeline import timeline_of
from tests import factories as scene

DAY = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def archived(folder, made, *, on):
    """What `made` makes at this moment is sealed then, and archived two days later."""
    with time_machine.travel(on):
        row = made()
        seal_new_rows(at_once=True)
    with time_machine.travel(on + timedelta(days=2)):
        day = f"{timezone.now():%Y-%m-%d}"
        call_command("audit_archive", to=str(folder), before=day, yes=True, unsigned=True)
    return row


@pytest.fixture
def gone(tmp_path, alice, volume):
    done = scene.operation(alice.user, volume, state="failed")
    return archived(tmp_path, lambda: scene.exchange(done), on=DAY)


def test_page_lists_the_archives(audrey, gone):
    page = audrey.get("/audit/").text
    stone = Tombstone.objects.get()
    assert "Records up to" in page
    assert "1 Mar 2026, 09:00" in page
    assert "were archived and are no longer here" in page
    rows = sum(span[2] for span in stone.tables.values())
    for words in ("1 archive: where", stone.file, stone.sha256, f"{rows} records up to"):
        assert words in page
    assert "There are no records yet" not in page


def test_archived_records_are_no_longer_in_the_list(audrey, gone):
    assert not Exchange.objects.exists()
    shown = audrey.get("/audit/", {"q": "background:yes what:create"})
    assert shown.context["page"].rows == []


def test_archived_record_names_possible_files(audrey, tmp_path, gone, operation):
    archived(tmp_path, lambda: scene.exchange(None), on=DAY + timedelta(days=9))
    answer = audrey.get(f"/audit/{gone.id}/")
    assert answer.status_code == 404
    assert "There is no such record here" in answer.text
    assert "one of these files" in answer.text
    for stone in Tombstone.objects.all():
        assert stone.file in answer.text
        assert stone.sha256 in answer.text


def test_a_record_that_is_here_is_shown_as_ever(audrey, gone):
    assert audrey.get(f"/audit/{scene.exchange(None).id}/").status_code == 200


def test_nobody_else_learns_of_archives(alice, root, gone):
    for somebody in (alice, root):
        answer = somebody.get(f"/audit/{gone.id}/")
        assert (answer.status_code, "archive" in answer.text) == (404, False)


def test_a_trail_without_archives_says_nothing_of_them(audrey):
    assert "archive" not in audrey.get("/audit/").text
    assert "archive" not in audrey.get(f"/audit/{uuid.uuid4()}/").text


def test_failure_in_the_cloud_is_not_giving_up(alice, gone):
    failed = gone.operation
    assert "Given up" in [step.text for step in timeline_of(failed, accepted_at=None)]
    scene.snapshot(failed, status="error")
    failed.refresh_from_db()
    assert timeline_of(failed, accepted_at=None)[-1].text == "Failed"
    assert "Given up" not in alice.get(f"/requests/{failed.pk}/").text
