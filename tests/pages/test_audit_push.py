"""What auditors read of the places outside that rows of the trail are pushed to."""

import re
from datetime import UTC, datetime

import pytest

from snapshots.audit.delivery.push import state_of

SECRET = "https://bob:planted-1@siem.example.org/hook/planted-2?key=planted-3"


@pytest.fixture
def noted(settings):
    """How far the place is, as the worker notes it."""
    settings.EVSPORTAL_AUDIT_PUSH = [SECRET, "syslog+tls://log.example.org"]

    def note(**facts):
        state = state_of(SECRET)
        for name, value in facts.items():
            setattr(state, name, value)
        state.save()

    return note


def words(audrey):
    page = audrey.get("/audit/").text
    assert "planted" not in page
    lines = re.findall('<p class="(?:seal|note note--warning)">(.*?)</p>', page, re.DOTALL)
    return " ".join(re.sub("</?(bdi|strong)>", "", " ".join(lines)).split())


def test_when_rows_were_last_pushed(audrey, noted):
    assert "Nothing has been pushed to https://siem.example.org yet." in words(audrey)
    noted(done_at=datetime(2026, 5, 2, 12, 30, tzinfo=UTC))
    assert "New rows are pushed to https://siem.example.org, the last at <time" in words(audrey)
    assert "2026-05-02" in words(audrey)
    assert "Nothing has been pushed to syslog+tls://log.example.org yet." in words(audrey)


def test_since_when_they_do_not_arrive(audrey, noted):
    since = datetime(2026, 5, 3, 9, 15, tzinfo=UTC)
    noted(failing_since=since, trouble="it answered 503", fails=3)
    assert "New rows have not reached https://siem.example.org since <time" in words(audrey)
    assert ": it answered 503. They are pushed as soon as it accepts them" in words(audrey)


def test_without_any_place_nothing_is_said(audrey, settings):
    settings.EVSPORTAL_AUDIT_PUSH = []
    assert "push" not in words(audrey)


def test_places_cost_one_query(audrey, noted, settings, django_assert_max_num_queries):
    audrey.get("/audit/")
    settings.EVSPORTAL_AUDIT_PUSH = [f"https://siem-{n}.example.org/" for n in range(30)]
    with django_assert_max_num_queries(20):
        audrey.get("/audit/")
