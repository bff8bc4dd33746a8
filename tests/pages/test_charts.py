"""The board's plots: each figure is that of the tables, counted by SQL of its own."""

import random
import re
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from snapshots.models import QuotaDay
from snapshots.selectors.course import (
    Ending,
    quota_courses,
    refusals_by_reason,
    requests_by_day,
    times_by_size,
)
from tests import factories as scene

STATES = {
    Ending.DONE: ("succeeded",),
    Ending.REFUSED: ("refused",),
    Ending.FAILED: ("failed", "not_created"),
    Ending.CANCELLED: ("cancelled",),
    Ending.OPEN: ("queued", "sending", "accepted", "unknown"),
}


@pytest.fixture
def filled(alice):
    """Sixty days of requests at random moments, the midnights of UTC among them."""
    chance = random.Random(7)
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight, midnight - timedelta(microseconds=1), midnight - timedelta(days=29)]
    moments += [midnight - timedelta(days=29, microseconds=1)]
    moments += [timezone.now() - timedelta(days=60 * chance.random()) for _ in range(200)]
    states = [state for group in STATES.values() for state in group]
    for number, asked_at in enumerate(moments):
        state = states[number % len(states)]
        of = scene.volume(f"disk-{number}", size_gb=10)
        facts = {"asked_at": asked_at, "state": state}
        if state == "refused":
            facts["outcome_code"] = chance.choice(["quota_used_up", "volume_state", "forbidden"])
        if state == "succeeded":
            facts["finished_at"] = asked_at + timedelta(seconds=chance.randint(5, 400))
        made = scene.operation(alice.user, of, **facts)
        if state == "succeeded":
            scene.snapshot(made, size_gb=chance.choice([10, 20, 21, 500, 5000]))


def _rows(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def test_requests_of_each_day(filled):
    days = requests_by_day(now=timezone.now())
    assert len(days) == 30
    for day in days:
        begin = datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC)
        ends = [begin, begin + timedelta(days=1)]
        ends = [connection.ops.adapt_datetimefield_value(end) for end in ends]
        for ending, states in STATES.items():
            marks = ", ".join(["%s"] * len(states))
            sql = (
                "SELECT COUNT(*) FROM snapshots_operation "
                f"WHERE asked_at >= %s AND asked_at < %s AND state IN ({marks})"
            )
            assert day.counts.get(ending, 0) == _rows(sql, *ends, *states)[0][0]


def test_times_of_each_size(filled):
    sql = (
        "SELECT o.asked_at, o.finished_at, s.size_gb FROM snapshots_operation o "
        "JOIN snapshots_snapshot s ON s.operation_id = o.id WHERE o.state = 'succeeded'"
    )
    times = {}
    for asked_at, finished_at, size in _rows(sql):
        upto = next((end for end in (20, 100, 500, 1000) if size <= end), None)
        times.setdefault(upto, []).append(_moment(finished_at) - _moment(asked_at))
    shown = times_by_size()
    assert {row.upto_gib: row.count for row in shown} == {
        upto: len(passed) for upto, passed in times.items()
    }
    for row in shown:
        passed = sorted(span.total_seconds() for span in times[row.upto_gib])
        below = passed[(len(passed) - 1) // 2]
        assert row.median_seconds == below <= median(passed)
        assert sum(seconds <= row.slow_seconds for seconds in passed) >= 0.9 * len(passed)


def _moment(value):
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def test_refusals_of_each_reason(filled):
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = connection.ops.adapt_datetimefield_value(midnight - timedelta(days=29))
    sql = (
        "SELECT outcome_code, COUNT(*) FROM snapshots_operation "
        "WHERE state = 'refused' AND asked_at >= %s GROUP BY outcome_code"
    )
    counts = refusals_by_reason(now=timezone.now())
    assert dict(counts) == dict(_rows(sql, first))
    assert counts == sorted(counts, key=lambda pair: -pair[1]) or len(counts) < 2


def _quota(*used, limit=100):
    today = timezone.now().astimezone(UTC).date()
    for number, count in enumerate(reversed(used)):
        QuotaDay.objects.create(
            cloud="sandbox",
            resource="snapshots",
            day=today - timedelta(days=number),
            limit=limit,
            used=count,
        )
    return today, quota_courses(now=timezone.now())[0]


@pytest.mark.parametrize(
    ("used", "days"),
    [
        ([40, 50, 60, 70], 3),
        ([70, 80, 85], 2),  # 7.5 a day, 15 left
        ([100], 0),
        ([120], 0),
        ([50, 50, 50], None),
        ([60, 50], None),
        ([50], None),
        ([50, 50.0, 50, 51], None),  # more than a year
    ],
)
def test_quota_is_full_when_the_line_says_so(db, used, days):
    today, course = _quota(*used, limit=100 if used[0] != 50 or len(used) < 4 else 1000)
    assert course.full_on == (None if days is None else today + timedelta(days=days))


def test_quota_without_limit_is_never_full(db):
    assert _quota(10, 20, 30, limit=-1)[1].full_on is None


def test_each_plot_has_its_axis_words_and_table(helen, filled):
    _quota(40, 50, 60, 70)
    page = helen.get("/").text
    plots = re.findall(r'<figure class="sheet chart".*?</figure>', page, re.DOTALL)
    assert len(plots) == 4
    for plot in plots:
        svg = plot.partition("<svg")[2].partition("</svg>")[0]
        assert re.search(r"<title id=[^>]*>[^<]+</title>", svg)
        assert re.search(r"<desc id=[^>]*>[^<]+</desc>", svg)
        assert "<text" in svg
        assert "<table" in plot
    assert "it is full about" in plots[3]


def test_plots_of_an_empty_portal_say_so(helen):
    page = helen.get("/").text
    assert "Nobody asked for anything in the last 30 days" in page
    assert "The cloud refused nothing in the last 30 days" in page


def test_plots_are_counted_once_a_minute_and_say_when(helen, alice, volume):
    assert "Counted at <time" in helen.get("/").text
    scene.operation(alice.user, volume, state="succeeded")
    assert "Nobody asked for anything" in helen.get("/").text
    cache.clear()
    assert "1 request in the last 30 days" in helen.get("/").text
