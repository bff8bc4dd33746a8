"""Lines and parts that are written once: they still say what is true for each person."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import Operation, Preferences, Snapshot
from snapshots.selectors import kept
from tests import factories as scene


@pytest.fixture
def made(alice, volume):
    return scene.operation(alice.user, volume, name="nightly", state="succeeded", ago_seconds=305)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"ticket": "CHG-7"}, '<span class="tag">CHG-7</span>'),
        ({"name": "weekly"}, ">weekly</bdi>"),
        ({"volume_name": "moved"}, ">moved</bdi>"),
        ({"state": "refused"}, "badge--bad"),
    ],
)
def test_changed_request_has_another_line(alice, made, columns, text):
    assert text not in alice.get("/requests/").text
    Operation.objects.filter(pk=made.pk).update(**columns)
    assert text in alice.get("/requests/").text


def test_line_follows_snapshot_of_request(alice, made):
    snapshot = scene.snapshot(made)
    assert "Deleted in the cloud" not in alice.get("/requests/").text
    Snapshot.objects.filter(pk=snapshot.pk).update(gone_at=timezone.now())
    assert "Deleted in the cloud" in alice.get("/requests/").text


def test_repeated_line_says_anew_how_long_ago(alice, made, monkeypatch):
    assert "5 minutes ago" in alice.get("/requests/").text
    later = timezone.now() + timedelta(minutes=3)
    monkeypatch.setattr(timezone, "now", lambda: later)
    page = alice.get("/requests/").text
    assert "8 minutes ago" in page
    assert "5 minutes ago" not in page


def test_repeated_line_has_times_of_who_looks(alice, made):
    assert "UTC+03" not in alice.get("/requests/").text
    Preferences.objects.update_or_create(user=alice.user, defaults={"zone": "Europe/Istanbul"})
    assert "UTC+03" in alice.get("/requests/").text


def test_other_columns_have_other_lines(helen, volume):
    scene.foreign_snapshot(volume, description="before the upgrade")
    assert "before the upgrade" not in helen.get("/snapshots/").text
    assert "before the upgrade" in helen.get("/snapshots/?columns=description").text
    assert "before the upgrade" not in helen.get("/snapshots/?columns=size").text


def test_repeated_line_is_the_same_markup(helen, made):
    first, second = (helen.get("/requests/").text.partition("<tbody")[2] for _ in range(2))
    assert first.partition("</tbody>")[0] == second.partition("</tbody>")[0]


def test_filter_shows_what_each_person_typed(alice, helen):
    assert 'value="alpha"' in alice.get("/requests/?q=alpha").text
    page = helen.get("/requests/?q=beta").text
    assert 'value="beta"' in page
    assert 'value="alpha"' not in page


def test_chosen_state_stays_chosen_in_the_filter(alice):
    assert '<option value="refused" selected>' in alice.get("/requests/?state=refused").text
    assert '<option value="refused" selected>' not in alice.get("/requests/").text


def test_navigation_is_of_the_person_and_page(alice, audrey):
    assert 'href="/audit/"' in audrey.get("/requests/").text
    page = alice.get("/requests/").text
    assert 'href="/audit/"' not in page
    assert '<a href="/requests/" aria-current="page">' in page
    assert '<a href="/requests/" aria-current="page">' not in alice.get("/volumes/").text


def test_shortcut_to_ask_is_for_who_may(alice, audrey):
    assert 'data-key="n"' in alice.get("/requests/").text
    assert 'data-key="n"' not in audrey.get("/requests/").text


def test_late_answer_takes_no_later_ones_place(monkeypatch):
    monkeypatch.setattr(kept, "SECONDS", 60)
    monkeypatch.setattr(kept, "_forget", [])
    begun, go_on = threading.Event(), threading.Event()

    @kept.kept_a_second
    def read():
        if begun.is_set():
            return "later"
        begun.set()
        assert go_on.wait(10)
        return "late"

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(10)
    assert read() == "later"
    go_on.set()
    thread.join(10)
    assert read() == "later"
