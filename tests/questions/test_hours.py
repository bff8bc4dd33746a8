"""Working hours are those of a place, and what cannot be read is said."""

from datetime import UTC, datetime

import pytest

from snapshots.checks import check_working_hours
from snapshots.questions.hours import read_hours


def at(day, hour, minute=0):
    """A day of March 2026, the second being a Monday; in UTC."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "working"),
    [
        ("Mon-Fri 08:00-18:00 UTC", at(2, 8), True),
        ("Mon-Fri 08:00-18:00 UTC", at(2, 7, 59), False),
        ("Mon-Fri 08:00-18:00 UTC", at(6, 17, 59), True),
        ("Mon-Fri 08:00-18:00 UTC", at(6, 18), False),
        ("Mon-Fri 08:00-18:00 UTC", at(7, 12), False),
        ("mon-fri  08:00-18:00", at(2, 8), True),
        ("Mon-Fri 08:00-18:00 Europe/Istanbul", at(2, 5), True),
        ("Mon-Fri 08:00-18:00 Europe/Istanbul", at(2, 15), False),
        ("Sun-Thu 00:00-24:00 Asia/Riyadh", at(1, 20, 59), True),
        ("Sun-Thu 00:00-24:00 Asia/Riyadh", at(5, 21), False),
        ("Fri-Mon 09:00-17:00", at(1, 9), True),
        ("Mon,Wed,Sat 09:00-17:00", at(4, 9), True),
        ("Mon,Wed,Sat 09:00-17:00", at(3, 9), False),
        ("Mon 09:00-17:00 Europe/Berlin", at(30, 7), True),  # summer time since the day before
        ("Mon 09:00-17:00 Europe/Berlin", at(23, 7), False),
    ],
)
def test_what_is_within(text, moment, working):
    assert read_hours(text).has(moment) is working


@pytest.mark.parametrize(
    "text",
    [
        "always",
        "Mon-Fri",
        "Mon-Fri 8-18",
        "Mon-Fri 18:00-08:00",
        "Mon-Fri 08:00-08:00",
        "Mon-Fri 08:60-18:00",
        "Mon-Fri 08:00-25:00",
        "Mon-Fun 08:00-18:00",
        "Mon- 08:00-18:00",
        "Mon-Wed-Fri 08:00-18:00",
        ",Mon 08:00-18:00",
        "Mon-Fri 08:00-18:00 Europe/Atlantis",
        "Mon-Fri 08:00-18:00 Europe",
        "Mon-Fri 08:00-18:00 ../../etc/passwd",
        "Mon-Fri 08:00-18:00 /etc/passwd",
        "Mon-Fri 08:00-18:00 UTC Sat 09:00-12:00",
    ],
)
def test_what_cannot_be_read_stops_the_start(text, settings):
    settings.EVSPORTAL_WORKING_HOURS = text
    (error,) = check_working_hours()
    assert error.id == "evsportal.E012"
    assert "Mon-Fri 08:00-18:00 Europe/Istanbul" in error.hint


def test_the_default_can_be_read():
    assert check_working_hours() == []
