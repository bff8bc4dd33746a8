"""What counts as working hours: a setting, `Mon-Fri 08:00-18:00 Europe/Istanbul`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM = re.compile(
    r"(?P<days>[A-Za-z,-]+) +(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)(?: +(?P<zone>\S+))?"
)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Hours of some days of the week, by the clocks of one place. Holidays are not known."""

    days: frozenset[int]  # 0: Monday
    begin: time
    end: time | None  # None: until midnight
    zone: tzinfo

    def has(self, moment: datetime) -> bool:
        """Whether people work then: from the first minute to just before the last."""
        there = moment.astimezone(self.zone)
        clock = there.time()
        return (
            there.weekday() in self.days
            and self.begin <= clock
            and (self.end is None or clock < self.end)
        )


def read_hours(text: str) -> WorkingHours:
    """Raises `ValueError`, in words for people, for what are no working hours."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"“{text}” are no working hours.")
    begin, end = _clock(match["begin"]), match["end"]
    last = None if end == "24:00" else _clock(end)
    if last is not None and last <= begin:
        raise ValueError(f"The working hours “{text}” end before they begin.")
    return WorkingHours(_days(match["days"]), begin, last, _zone(match["zone"] or "UTC"))


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is no time of day.") from None


def _days(text: str) -> frozenset[int]:
    """`Mon-Fri`, `Sun-Thu`, `Mon,Wed,Fri-Sat`."""
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = _day(first)
        span = (_day(last if "-" in part else first) - begin) % 7
        days |= {(begin + offset) % 7 for offset in range(span + 1)}
    return frozenset(days)


def _day(text: str) -> int:
    if text.title() not in _DAYS:
        raise ValueError(f"“{text}” is no day; write one of {', '.join(_DAYS)}.")
    return _DAYS.index(text.title())


def _zone(text: str) -> tzinfo:
    if text == "UTC":  # also where no list of zones is installed
        return UTC
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, LookupError):  # LookupError: no such zone; the others: odd names
        raise ValueError(f"“{text}” is no time zone that this machine knows.") from None
