"""What an open page is told: nothing, or the parts that have changed."""

import pickle
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from snapshots.models import CloudHealth, Operation, Preferences, Snapshot, Volume, Worker
from snapshots.selectors import unchanged
from snapshots.views import live
from tests import factories as scene

pytestmark = pytest.mark.django_db(transaction=True)


class OpenPage:
    """A page as its script sees it: it asks, and keeps what it is told."""

    def __init__(self, browser, path):
        self.browser = browser
        page = browser.get(path).text
        self.address = re.search(r'data-live="([^"]*)"', page)[1].replace("&amp;", "&")
        self._learn(page)

    def _learn(self, text):
        self.version = re.search(r'data-version="([^"]*)"', text)[1]
        self.have = re.findall(r'data-(?:shape|part|order)="([^"]*)"', text)

    def ask(self, **headers):
        known = {"HX-Request": "true", "X-Version": self.version, "X-Have": " ".join(self.have)}
        return self.browser.get(self.address, headers=known | headers)

    def news(self):
        """The ids of the parts that came, or the whole page."""
        answer = self.ask()
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200
        self.version = re.search(r'data-version="([^"]*)"', answer.text)[1]
        self.have += re.findall(r'data-(?:shape|part|order)="([^"]*)"', answer.text)
        if "data-root" in answer.text:
            return ["everything"]
        return re.findall(r'<template>\s*<\w+ [^>]*?\bid="([^"]*)"', answer.text)


@pytest.fixture
def made(alice, volume):
    return scene.operation(alice.user, volume, name="nightly", state="accepted", ago_seconds=20)


@pytest.fixture
def ended(alice, volume):
    return scene.operation(alice.user, volume, name="ended", state="succeeded", ago_seconds=300)


def finish(operation, state="succeeded"):
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state=state, state_at=now, finished_at=now)


def row(operation):
    return f"operation-{operation.pk}"


PAGES = ["/", "/requests/", "/snapshots/", "request", "batch", "snapshot", "volume"]


@pytest.fixture(params=PAGES)
def page(request, alice, ended):
    snapshot = scene.snapshot(ended)
    addresses = {
        "request": f"/requests/{ended.pk}/",
        "snapshot": f"/snapshots/{snapshot.cloud}/{snapshot.snapshot_id}/",
        "volume": f"/volumes/{ended.cloud}/{ended.volume_id}/",
        "batch": f"/batches/{ended.pk}/",
    }
    if request.param == "batch":
        Operation.objects.update(batch=ended.pk, kind="delete", target_snapshot=snapshot)
    path = addresses.get(request.param, request.param)
    opened = OpenPage(alice, path)
    opened.snapshot = snapshot
    return opened


def test_nothing_new_is_an_answer_without_a_body(page):
    for _ in range(3):
        answer = page.ask()
        assert (answer.status_code, answer.content) == (204, b"")
    size = len("HTTP/1.1 204 No Content\r\n\r\n") + sum(
        len(f"{name}: {value}\r\n") for name, value in answer.headers.items()
    )
    own = {"Date": "Sun, 29 Nov 2026 16:00:00 GMT", "Connection": "keep-alive"}
    size += sum(len(f"{name}: {value}\r\n") for name, value in own.items())
    assert size <= 200


def test_long_addresses_do_not_fill_the_memory(alice, ended):
    pages = [OpenPage(alice, f"/requests/?q={number}{'x' * 5000}") for number in range(20)]
    for page in pages:
        page.ask()
        assert page.news() is None
    assert len(pickle.dumps(list(unchanged.memory._answers.items()))) < 20_000


@pytest.mark.usefixtures("kept_for_a_second")
def test_nothing_new_takes_one_query(page, django_assert_num_queries):
    page.ask()
    page.ask()
    with django_assert_num_queries(1):
        assert page.ask().status_code == 204


def test_answer_holds_for_three_questions_of_an_idle_page(settings):
    script = (settings.BASE_DIR / "static/js/pace.js").read_text()
    pause = float(re.search(r"IDLE_SECONDS = (\d+)", script)[1])
    assert 3 * (pause + 1) < unchanged.HOLDS_SECONDS  # each comes a bit late


def test_a_changed_snapshot_is_news_on_each_page(page):
    assert page.news() is None
    Snapshot.objects.filter(pk=page.snapshot.pk).update(status="error", seen_at=timezone.now())
    assert page.news()
    assert page.news() is None


def test_trouble_of_a_cloud_is_news_on_each_page(page):
    assert page.news() is None
    since = timezone.now() - timedelta(minutes=5)
    CloudHealth.objects.update(failing_since=since, trouble_code="unreachable")
    assert "notices" in page.news()


def test_later_end_of_a_pause_is_news_on_each_page(page):
    now = timezone.now()
    CloudHealth.objects.update(
        failing_since=now, retry_at=now + timedelta(minutes=1), refused_credentials="digest"
    )
    assert "notices" in page.news()
    assert page.news() is None
    CloudHealth.objects.update(retry_at=now + timedelta(minutes=9))
    assert "notices" in page.news()


def test_silence_of_the_worker_is_news(page):
    assert page.news() is None
    Worker.objects.all().delete()
    assert "notices" in page.news()


def test_only_the_changed_row_travels(alice, made, ended):
    page = OpenPage(alice, "/requests/")
    assert page.news() is None
    finish(made)
    assert page.news() == [row(made)]
    assert page.news() is None


def test_a_list_of_what_has_ended_learns_of_a_new_request(alice, ended, volume):
    page = OpenPage(alice, "/requests/")
    assert page.news() is None
    new = scene.operation(alice.user, volume, name="new", state="queued", ago_seconds=0)
    answer = page.ask().text
    assert 'data-says="new: waiting" data-tone="waiting"' in answer
    assert 'data-list="operation-rows"' in answer
    assert page.news() == [row(new)]
    finish(new, "failed")
    assert 'data-says="new: failed" data-tone="bad"' in page.ask().text


def test_a_first_request_brings_the_whole_list(alice, volume):
    page = OpenPage(alice, "/requests/")
    scene.operation(alice.user, volume, state="queued")
    assert page.news() == ["everything"]


def test_the_filter_holds_for_news(alice, ended, volume):
    page = OpenPage(alice, "/requests/?q=ended")
    other = scene.operation(alice.user, volume, name="other", state="queued")
    assert page.news() is None
    Operation.objects.filter(pk=other.pk).update(name="ended too")
    assert page.news() == [row(other)]


def test_somebody_elses_requests_are_no_news(alice, bob, ended):
    page = OpenPage(alice, "/requests/")
    his = scene.volume("his", granted_to=bob.user)
    before = page.ask()
    scene.operation(bob.user, his, state="accepted")
    after = page.ask()
    assert after.status_code == 204
    assert set(after.headers) == set(before.headers) == {"Cache-Control", "X-Request-ID"}


def test_another_role_is_news(alice, bob, ended):
    scene.operation(bob.user, scene.volume("his", granted_to=bob.user), name="his")
    page = OpenPage(alice, "/requests/")
    assert page.news() is None
    alice.user.groups.add(Group.objects.get(name="helpdesk"))
    assert page.news()


def test_a_withdrawn_grant_is_news(alice, bob, volume):
    snapshot = scene.foreign_snapshot(volume)
    page = OpenPage(alice, "/snapshots/")
    assert page.news() is None
    alice.user.volume_grants.all().delete()
    assert page.news()
    assert snapshot.snapshot_id not in page.ask().text


@pytest.fixture
def during_an_answer(monkeypatch):
    """Makes a change after the person of a question was looked up, before their page is."""

    def change_then(change):
        def basis_of(*args, **kwargs):
            monkeypatch.setattr(live, "basis_of", unchanged.basis_of)
            change()
            return unchanged.basis_of(*args, **kwargs)

        monkeypatch.setattr(live, "basis_of", basis_of)

    return change_then


def test_rights_that_go_during_an_answer_are_news(page, during_an_answer):
    during_an_answer(page.browser.user.groups.clear)
    page.ask()
    assert page.ask().status_code == 404


def test_grant_that_ends_during_an_answer_is_news(alice, during_an_answer):
    snapshot = scene.foreign_snapshot(scene.volume())
    alice.user.volume_grants.create(cloud=snapshot.cloud, scope="cloud", volume_id="")
    page = OpenPage(alice, f"/snapshots/{snapshot.cloud}/{snapshot.snapshot_id}/")
    during_an_answer(alice.user.volume_grants.all().delete)
    page.ask()
    assert page.ask().status_code == 404


def test_zone_that_changes_during_an_answer_is_news(alice, ended, during_an_answer):
    page = OpenPage(alice, "/requests/")

    def choose():
        Preferences.objects.update_or_create(user=alice.user, defaults={"zone": "Asia/Tokyo"})

    during_an_answer(choose)
    page.ask()
    assert "UTC+09" in page.ask().text


@pytest.mark.parametrize(
    "columns", [{"name": "moved"}, {"status": "error"}, {"gone_at": timezone.now()}]
)
def test_changed_disk_at_home_is_news(alice, volume, columns):
    page = OpenPage(alice, "/")
    assert page.news() is None
    Volume.objects.filter(pk=volume.pk).update(**columns)
    assert page.news() == ["disks"]


def test_an_ended_session_is_told_at_once(alice, ended):
    page = OpenPage(alice, "/requests/")
    assert page.ask().status_code == 204
    alice.session.flush()
    assert page.ask().status_code == 401


def test_a_person_who_is_shut_out_gets_no_answer(alice, ended):
    page = OpenPage(alice, "/requests/")
    assert page.ask().status_code == 204
    type(alice.user).objects.filter(pk=alice.user.pk).update(is_active=False)
    assert page.ask().status_code == 401


def test_what_is_said_is_the_same_in_the_page_and_in_its_answers(page):
    """Else each page would be told everything once."""
    assert page.ask().status_code == 204


def test_kept_pieces_of_a_page_tell_safe_texts_from_others():
    from django.utils.safestring import SafeString

    from snapshots.templatetags.cells import long_text

    assert long_text(SafeString("<i>")) == '<bdi class="long" title="<i>"><i></bdi>'
    assert long_text("<i>") == '<bdi class="long" title="&lt;i&gt;">&lt;i&gt;</bdi>'


def test_what_has_ended_at_home_moves_to_the_recent(alice, volume, made):
    scene.operation(alice.user, volume, name="other", state="queued", ago_seconds=5)
    scene.operation(alice.user, volume, name="before", state="succeeded", ago_seconds=300)
    opened = OpenPage(alice, "/")
    assert opened.news() is None
    finish(made)
    answer = opened.ask().text
    orders = dict(re.findall(r'data-list="([^"]*)" data-order="[^"]*">([^<]*)<', answer))
    assert row(made) not in orders["operation-rows"].split()
    assert orders["recent-rows"].split()[0] == row(made)
    assert f'id="{row(made)}"' in answer
