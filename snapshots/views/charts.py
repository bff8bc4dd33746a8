"""The plots of the board: each with its axis, its title and description, and its table."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from snapshots import localized
from snapshots.localized import colon, figure, sentences
from snapshots.operations.messages import reason_of
from snapshots.selectors.course import (
    DAYS,
    LARGEST_GIB,
    DayCounts,
    Ending,
    QuotaCourse,
    SizeTimes,
    quota_courses,
    refusals_by_reason,
    requests_by_day,
    times_by_size,
)
from snapshots.templatetags.times import lasted
from snapshots.views.chart_parts import (
    BOTTOM,
    HEIGHT,
    INNER_WIDTH,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Bar,
    Chart,
    Line,
    Mark,
    at,
    axis_for,
)

LONGEST_LABEL = 44  # letters that fit into the width
_UNDER_AXIS = str(HEIGHT - BOTTOM + 16)


def board_charts(*, now: datetime) -> list[Chart]:
    """All of them, with figures of now."""
    return [
        chart_of_days(requests_by_day(now=now)),
        chart_of_times(times_by_size()),
        chart_of_refusals(refusals_by_reason(now=now)),
        *map(chart_of_quota, quota_courses(now=now)),
    ]


def chart_of_days(days: Sequence[DayCounts]) -> Chart:
    """Requests a day, stacked by what became of them."""
    axis = axis_for(day.total for day in days)
    pitch = INNER_WIDTH / len(days)
    bars = [
        bar
        for number, day in enumerate(days)
        for bar in _stack(day, axis=axis, x=LEFT + pitch * number, width=pitch * 0.8)
    ]
    endings = [ending for ending in Ending if any(day.counts.get(ending) for day in days)]
    return Chart(
        name="days",
        title=_("Requests a day, by what became of them"),
        description=_days_in_words(days),
        heads=[_("Day"), *(str(ending.label) for ending in Ending), _("In all")],
        rows=[
            [
                day_text(day.day),
                *(figure(day.counts.get(ending, 0)) for ending in Ending),
                figure(day.total),
            ]
            for day in reversed(days)
        ],
        bars=bars,
        marks=[*axis.marks(), *_ends_of_days(days[0].day, days[-1].day)],
        grid=axis.grid(),
        legend=[(f"chart__{ending.value}", str(ending.label)) for ending in endings],
        unit=_("requests"),
    )


def _stack(day: DayCounts, *, axis: Axis, x: float, width: float) -> list[Bar]:
    bars, below = [], 0
    for ending in Ending:
        count = day.counts.get(ending, 0)
        if count:
            top, bottom = axis.y(below + count), axis.y(below)
            label = f"{day_text(day.day)}{colon()}{ending.label} {count}"
            css = f"chart__{ending.value}"
            bars.append(Bar(css, at(x), at(top), at(width), at(bottom - top), label))
        below += count
    return bars


def _days_in_words(days: Sequence[DayCounts]) -> str:
    total = sum(day.total for day in days)
    if not total:
        return _("Nobody asked for anything in the last {days} days.").format(days=len(days))
    most = max(days, key=lambda day: day.total)
    text = ngettext(
        "{total} request in the last {days} days; most on {day}, {most}.",
        "{total} requests in the last {days} days; most on {day}, {most}.",
        total,
    )
    return text.format(
        total=figure(total), days=len(days), day=day_text(most.day), most=figure(most.total)
    )


def chart_of_times(sizes: Sequence[SizeTimes]) -> Chart:
    """The usual time, and that of nine in ten, for each size of volumes."""
    axis = axis_for((size.slow_seconds for size in sizes), whole=False)
    pitch = INNER_WIDTH / max(1, len(sizes))
    bars, marks = [], []
    for number, size in enumerate(sizes):
        middle = LEFT + pitch * (number + 0.5)
        for css, seconds, offset in (
            ("chart__usual", size.median_seconds, -17),
            ("chart__slow", size.slow_seconds, 1),
        ):
            y = axis.y(seconds)
            label = f"{_size_text(size)}{colon()}{lasted(seconds)}"
            bars.append(Bar(css, at(middle + offset), at(y), "16", at(HEIGHT - BOTTOM - y), label))
        marks.append(Mark(at(middle), _UNDER_AXIS, _size_mark(size)))
    usual, slow = _("Half within"), _("Nine in ten within")
    return Chart(
        name="times",
        title=_("Time to available, by the volume's size"),
        description=_times_in_words(sizes),
        heads=[_("Size"), usual, slow, _("Snapshots")],
        rows=[
            [
                _size_text(size),
                lasted(size.median_seconds),
                lasted(size.slow_seconds),
                str(size.count),
            ]
            for size in sizes
        ],
        bars=bars,
        marks=[*axis.marks(), *marks],
        grid=axis.grid(),
        legend=[("chart__usual", usual), ("chart__slow", slow)],
        unit=_("seconds, by GiB"),
    )


def _size_text(size: SizeTimes) -> str:
    if size.upto_gib is None:
        return _("larger than {size} GiB").format(size=figure(LARGEST_GIB[-1]))
    return _("to {size} GiB").format(size=figure(size.upto_gib))


def _size_mark(size: SizeTimes) -> str:
    """The same where there is little room."""
    return f"≤ {figure(size.upto_gib)}" if size.upto_gib else f"> {figure(LARGEST_GIB[-1])}"


def _times_in_words(sizes: Sequence[SizeTimes]) -> str:
    if not sizes:
        return _("No snapshot was made by the portal yet.")
    count = sum(size.count for size in sizes)
    text = ngettext(
        "From the click, of the newest snapshot that was made.",
        "From the click, of the newest {count} snapshots that were made.",
        count,
    )
    return text.format(count=figure(count))


def chart_of_refusals(reasons: Sequence[tuple[str, int]]) -> Chart:
    """What clouds refused, a bar for each reason with its words above."""
    pitch = 34
    most = max((count for _code, count in reasons), default=1)
    bars, marks, rows = [], [], []
    for number, (code, count) in enumerate(reasons):
        y, label = TOP + pitch * number, reason_of(code)
        width = max(2.0, (WIDTH - RIGHT - 44) * count / most)
        bars.append(Bar("chart__refused", "0", at(y + 16), at(width), "12", f"{label} {count}"))
        marks.append(Mark("0", at(y + 11), _cut(label), "start"))
        marks.append(Mark(at(width + 6), at(y + 26), figure(count), "start"))
        rows.append([label, figure(count)])
    total = sum(count for _code, count in reasons)
    return Chart(
        name="refusals",
        title=_("Refused by the cloud, by reason"),
        description=_refusals_in_words(total),
        heads=[_("Reason"), _("Requests")],
        rows=rows,
        bars=bars,
        marks=marks,
        height=str(TOP + pitch * max(1, len(reasons))),
    )


def _refusals_in_words(total: int) -> str:
    if not total:
        return _("The cloud refused nothing in the last {days} days.").format(days=DAYS)
    text = ngettext(
        "{total} request was refused in the last {days} days.",
        "{total} requests were refused in the last {days} days.",
        total,
    )
    return text.format(total=figure(total), days=DAYS)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…"


def chart_of_quota(course: QuotaCourse) -> Chart:
    """How much was in use on each day, the limit, and the line on to the day it is full."""
    first, last = course.days[0][0], course.days[-1][0]
    end = course.full_on if course.full_on and course.full_on > last else last
    span = max(1, (end - first).days)
    axis = axis_for([course.limit, *(used for _day, used in course.days)])

    def point(day: date, value: float) -> str:
        return f"{at(LEFT + INNER_WIDTH * (day - first).days / span)},{at(axis.y(value))}"

    lines = [Line("chart__used", " ".join(point(day, used) for day, used in course.days))]
    if course.limit >= 0:
        lines.append(
            Line("chart__limit", f"{point(first, course.limit)} {point(end, course.limit)}")
        )
    if end != last:
        lines.append(Line("chart__ahead", f"{point(*course.days[-1])} {point(end, course.limit)}"))
    return Chart(
        name=f"quota-{course.cloud}-{course.resource}",
        title=_quota_title(course),
        description=_quota_in_words(course),
        heads=[_("Day"), _("In use")],
        rows=[[day_text(day), figure(used)] for day, used in reversed(course.days)],
        lines=lines if len(course.days) > 1 else (),
        marks=[*axis.marks(), *_ends_of_days(first, end)],
        grid=axis.grid(),
        legend=_quota_legend(course),
        unit=_("GiB") if course.resource == "gigabytes" else _("snapshots"),
    )


def _quota_title(course: QuotaCourse) -> str:
    if course.resource == "gigabytes":
        return _("Gigabytes in use in {cloud}").format(cloud=course.cloud)
    return _("Snapshots in {cloud}").format(cloud=course.cloud)


def _quota_in_words(course: QuotaCourse) -> str:
    used, limit = figure(course.days[-1][1]), figure(course.limit)
    if course.limit < 0:
        return _("{used} in use, without a limit.").format(used=used)
    now = _("{used} of {limit} in use.").format(used=used, limit=limit)
    if course.full_on is None:
        return sentences([now, _("As it went lately, it is not full within a year.")])
    if course.full_on == course.days[-1][0]:
        return sentences([now, _("It is full.")])
    ahead = _("If it goes on as lately, it is full about {day}.")
    return sentences([now, ahead.format(day=day_text(course.full_on))])


def _quota_legend(course: QuotaCourse) -> list[tuple[str, str]]:
    legend = [("chart__used", _("In use"))]
    if course.limit >= 0:
        legend.append(("chart__limit", _("Limit")))
    if course.full_on and course.full_on > course.days[-1][0]:
        legend.append(("chart__ahead", _("If it goes on")))
    return legend


def _ends_of_days(first: date, last: date) -> list[Mark]:
    marks = [Mark(str(LEFT), _UNDER_AXIS, day_text(first), "start")]
    if last != first:
        marks.append(Mark(str(WIDTH - RIGHT), _UNDER_AXIS, day_text(last), "end"))
    return marks


def day_text(day: date) -> str:
    """`9 Nov 2026`."""
    return localized.day(day)
