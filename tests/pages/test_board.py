"""Home by role and the status page: who sees what, and that each number is that of the tables."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from snapshots.models import Answer, CloudHealth, Duty, Exchange, Operation, Seal, Worker
from tests import factories as scene

OPEN_STATES = ("queued", "sending", "accepted", "unknown")


def _counted(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def _tally(page, attribute, state):
    found = re.search(rf'data-{attribute}="{state}"><dt>[^<]*</dt><dd>([\d,]+)<', page)
    return int(found[1].replace(",", "")) if found else 0


@pytest.fixture
def filled(alice, helen):
    """Requests in every state, on volumes of their own, in two clouds."""
    now = timezone.now()
    states = [*OPEN_STATES, "succeeded", "failed", "refused", "not_created", "cancelled"]
    for number, state in enumerate(states * 3):
        cloud = ("sandbox", "other")[number % 2]
        of = scene.volume(f"disk-{number}", granted_to=alice.user, cloud=cloud)
        ago = 600 * (number + 1) + (86400 if number % 5 == 0 else 0)
        scene.operation(alice.user, of, state=state, ago_seconds=ago, name=f"r{number}")
    for number in range(9):
        made = scene.exchange(cloud=("sandbox", "other")[number % 2])
        assert Answer.objects.filter(exchange=made).exists()
    CloudHealth.objects.create(cloud="other", answered_at=now, inventory_at=now)


# --- the board -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", OPEN_STATES)
def test_board_counts_what_runs(helen, filled, state):
    counted = _counted("SELECT COUNT(*) FROM snapshots_operation WHERE state = %s", state)
    assert counted == 3
    assert _tally(helen.get("/").text, "state", state) == counted


@pytest.mark.parametrize("state", ["succeeded", "failed", "refused", "not_created", "cancelled"])
def test_board_counts_what_ended_in_a_day(helen, filled, state):
    since = connection.ops.adapt_datetimefield_value(timezone.now() - timedelta(hours=24))
    sql = "SELECT COUNT(*) FROM snapshots_operation WHERE state = %s AND finished_at > %s"
    assert _tally(helen.get("/").text, "ended", state) == _counted(sql, state, since)


@pytest.mark.parametrize("cloud", ["sandbox", "other"])
def test_board_counts_the_line_of_each_cloud(helen, filled, cloud):
    (facts,) = [row for row in helen.get("/").context["clouds"] if row.cloud == cloud]
    of_cloud = "FROM snapshots_operation WHERE cloud = %s AND"
    waiting = _counted(f"SELECT COUNT(*) {of_cloud} state = 'queued'", cloud)
    working = _counted(
        f"SELECT COUNT(*) {of_cloud} state IN ('sending', 'accepted', 'unknown')", cloud
    )
    hour = connection.ops.adapt_datetimefield_value(timezone.now() - timedelta(hours=1))
    ended = _counted(f"SELECT COUNT(*) {of_cloud} finished_at > %s", cloud, hour)
    assert (facts.waiting, facts.working, facts.ended) == (waiting, working, ended)
    oldest = Operation.objects.filter(cloud=cloud, state="queued").earliest("asked_at").asked_at
    assert facts.oldest_at == oldest
    assert facts.latency_ms == 87


def test_board_names_what_needs_a_hand(helen, alice, volume):
    failed = scene.operation(alice.user, volume, state="failed", name="broke")
    mended = scene.operation(alice.user, volume, state="refused", name="mended")
    scene.operation(alice.user, volume, state="succeeded", name="again", again_for=mended)
    scene.operation(alice.user, volume, state="unknown", name="in-doubt")
    part = helen.get("/").text.partition("What needs a hand")[2].partition("</section>")[0]
    assert f"/requests/{failed.pk}/" in part
    assert "in-doubt" in part
    assert "mended" not in part


def test_board_tells_of_a_cloud_in_trouble_and_of_its_end(root):
    since = timezone.now() - timedelta(minutes=3)
    CloudHealth.objects.update(failing_since=since, trouble_code="unreachable")
    page = root.get("/").text
    assert "Trouble</span>" in page
    assert "it cannot be reached" in page
    CloudHealth.objects.update(failing_since=None, trouble_code="")
    assert "Answers</span>" in root.get("/").text


def test_board_tells_of_the_portal_s_own_parts(root):
    Worker.objects.all().delete()
    Duty.objects.create(name="seal:", kind="seal", trouble_code="WritersBusyError")
    page = root.get("/").text
    assert "Not running" in page
    assert "WritersBusyError" in page
    assert not Seal.objects.exists()
    assert "none yet" in page


def test_board_s_queries_do_not_grow(helen, filled, django_assert_max_num_queries):
    helen.get("/")
    with django_assert_max_num_queries(45):
        helen.get("/")


def test_polled_part_stands_alone_and_in_its_page(helen, alice, filled):
    for browser, part in ((helen, 'id="board"'), (alice, 'id="own"')):
        fragment = browser.get("/home/").text
        assert "<html" not in fragment
        assert fragment.count(part) == browser.get("/").text.count(part) == 1


# --- home of staff ---------------------------------------------------------------------------


def test_home_of_staff_is_what_is_theirs(alice, bob, volume):
    scene.operation(alice.user, volume, state="accepted", name="under-way")
    scene.operation(alice.user, volume, state="succeeded", name="ended")
    foreign = scene.volume("foreign", granted_to=bob.user)
    scene.operation(bob.user, foreign, state="accepted", name="not-hers")
    answer = alice.get("/")
    assert [line.operation.name for line in answer.context["now"]] == ["under-way"]
    assert [line.operation.name for line in answer.context["recent"]] == ["ended"]
    assert answer.context["disks"] == [volume]
    assert "not-hers" not in answer.text
    assert "foreign" not in answer.text


def test_disks_used_last_come_first(alice):
    disks = [scene.volume(name, granted_to=alice.user) for name in "abcdefgh"]
    for number, disk in enumerate((disks[5], disks[7])):
        scene.operation(alice.user, disk, state="succeeded", ago_seconds=60 + number)
    answer = alice.get("/")
    assert [disk.name for disk in answer.context["disks"]] == ["f", "h", "a", "b", "c", "d"]
    assert "All my disks" in answer.text


def test_kept_address_of_the_filtered_list_leads_there(alice):
    assert alice.get("/", {"state": "open"}).url == "/requests/?state=open"


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("alice", "Choose one of your disks"),
        ("helen", "give the ticket and for whom it is"),
        ("audrey", "You see everything and change nothing"),
        ("root", "which volumes each person may use"),
    ],
)
def test_new_people_are_told_what_this_is(who, words, request):
    assert words in request.getfixturevalue(who).get("/").text


# --- the status page -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "is_full"),
    [("alice", False), ("nobody", False), ("helen", True), ("audrey", True), ("root", True)],
)
def test_status_page_is_short_or_full(who, is_full, request):
    page = request.getfixturevalue(who).get("/status/").text
    assert "Everything works" in page
    assert ("The portal itself" in page) is is_full


def test_status_page_tells_of_a_hanging_cloud(alice):
    CloudHealth.objects.update(answered_at=timezone.now() - timedelta(minutes=5))
    scene.exchange(at=timezone.now() - timedelta(seconds=31), status=-1)
    assert Exchange.objects.filter(answer=None).exists()
    page = alice.get("/status/").text
    assert "Not everything works" in page
    assert "Hangs</span>" in page


def test_status_page_tells_of_a_missing_worker(alice):
    Worker.objects.all().delete()
    page = alice.get("/status/rows/").text
    assert "Not everything works" in page
    assert "Stands still" in page
