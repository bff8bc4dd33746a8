"""What a simulated night was like: figures, and how they went over time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from snapshots.models import OperationState
from tests.bench.figures import Figure
from tests.bench.line_plot import line_plot
from tests.bench.simulated_rows import Request, seconds_at
from tests.bench.simulation import SAMPLE_SECONDS, Simulation

PURPOSES = ("create", "look", "watch", "volumes", "snapshots")
_CONNECTIONS_OF_LOOP = 2  # the loop claims rows by the first, and waits for NOTIFY by the second
_DEPTHS = ("queued", "unknown", "accepted")


def figures_of(night: Simulation) -> Iterator[Figure]:
    yield from _of_requests(night.requests)
    yield from _of_calls(night)
    yield from _of_readings(night)
    yield from _of_samples(night)
    yield Figure("promises that were broken", len(night.wrongs), "", 0)


def share_of(values: Sequence[float], part: float) -> float:
    """What so large a part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def _of_requests(requests: Sequence[Request]) -> Iterator[Figure]:
    ends = Counter(request.state for request in requests)
    for state, count in sorted(ends.items()):
        yield Figure(f"requests: {OperationState(state).value}", count, "")
    ended = [request for request in requests if request.finished_at is not None]
    usable = [request for request in ended if request.state is OperationState.SUCCEEDED]
    for name, seconds in (
        ("from asking to sending", [each.first_sent - each.wish.at for each in ended]),
        ("from asking to the end", [seconds_at(each.finished_at) - each.wish.at for each in ended]),
        ("notice", [seconds_at(each.finished_at) - each.made.finished for each in usable]),
    ):
        yield Figure(f"{name}, half", share_of(seconds, 0.5), "s")
        yield Figure(f"{name}, 99 of 100", share_of(seconds, 0.99), "s")
        yield Figure(f"{name}, the longest", max(seconds, default=0.0), "s")


def _of_calls(night: Simulation) -> Iterator[Figure]:
    per_purpose, per_minute = Counter[str](), []
    for rows in night.tables.clouds:
        minutes = Counter[int]()
        for (purpose, minute), count in rows.cloud.calls.items():
            per_purpose[purpose] += count
            minutes[minute] += count
        per_minute.append(minutes)
    yield Figure("calls", sum(per_purpose.values()), "")
    for purpose in PURPOSES:
        yield Figure(f"calls: {purpose}", per_purpose[purpose], "")
    minutes_of_night = night.scenario.seconds / 60
    means = [sum(minutes.values()) / minutes_of_night for minutes in per_minute]
    pace = night.scenario.calls_per_second * 60
    mean = sum(means) / len(means)
    most = max(max(minutes.values(), default=0) for minutes in per_minute)
    yield Figure("calls of a cloud in a minute, mean", mean, "")
    yield Figure("calls of a cloud in a minute, most", most, "")
    yield Figure("share of the pace, mean", 100 * mean / pace, "%")
    yield Figure("share of the pace, busiest cloud", 100 * max(means) / pace, "%")


def _of_readings(night: Simulation) -> Iterator[Figure]:
    clouds = night.tables.clouds
    ages = [
        later - earlier
        for rows in clouds
        for earlier, later in zip(rows.whole_readings, rows.whole_readings[1:], strict=False)
    ]
    yield Figure(
        "whole readings of snapshots", sum(len(rows.whole_readings) for rows in clouds), ""
    )
    yield Figure(
        "such readings broken by a fault", sum(rows.broken_readings for rows in clouds), ""
    )
    yield Figure("clouds never read whole", sum(not rows.whole_readings for rows in clouds), "")
    yield Figure("between two whole readings, half", share_of(ages, 0.5) / 60, "min")
    yield Figure("between two whole readings, the longest", max(ages, default=0.0) / 60, "min")


def _of_samples(night: Simulation) -> Iterator[Figure]:
    for name in _DEPTHS:
        yield Figure(f"{name} at once, most", max(each[name] for each in night.samples), "")
    in_night = [each for each in night.samples if each["minute"] * 60 <= night.scenario.seconds]
    cores = [each["cores"] for each in in_night]
    threads = [each["threads"] for each in in_night]
    most = max(worker.most_threads for worker in night.workers)
    yield Figure("worker processes", night.scenario.nodes, "")
    yield Figure("cores that they use, mean", sum(cores) / len(cores), "")
    yield Figure("cores that they use, most of a minute", max(cores), "")
    yield Figure("threads at work, mean of all workers", sum(threads) / len(threads), "")
    yield Figure("threads at work, most of a worker", most, "")
    connections = sum(worker.most_threads + _CONNECTIONS_OF_LOOP for worker in night.workers)
    yield Figure("connections of the workers, most", connections, "")


def told(night: Simulation, measured: Sequence[Figure]) -> dict[str, Any]:
    """For a file: the figures, and a row for each minute."""
    return {
        "scenario": repr(night.scenario),
        "figures": {figure.name: figure.value for figure in measured},
        "minutes": night.samples,
    }


def draw(night: Simulation, folder: Path) -> None:
    """The plots, as files."""
    hours = [each["minute"] / 60 for each in night.samples]
    calls = _calls_by_sample(night, len(hours))
    waits = _waits_by_sample(night, len(hours))
    of = {name: [each[name] for each in night.samples] for name in night.samples[0]}
    plots = {
        "depths": ("Requests at each moment", "", {name: of[name] for name in _DEPTHS}),
        "waits": ("From asking to sending, mean of those asked in a minute", "s", waits),
        "calls": ("Calls of all clouds", "a minute", calls),
        "workers": ("Threads at work", "", {name: of[name] for name in of if "threads" in name}),
        "cores": ("Cores that the workers use", "", {"cores": of["cores"]}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, unit, lines) in plots.items():
        drawing = line_plot(hours, lines, title=title, unit=unit)
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")


def _calls_by_sample(night: Simulation, count: int) -> dict[str, list[float]]:
    lines = {purpose: [0.0] * count for purpose in PURPOSES}
    for rows in night.tables.clouds:
        for (purpose, minute), calls in rows.cloud.calls.items():
            if purpose in lines and minute < count:
                lines[purpose][minute] += calls
    return lines


def _waits_by_sample(night: Simulation, count: int) -> dict[str, list[float]]:
    sums, counts = [0.0] * count, [0] * count
    for request in night.requests:
        number = int(request.wish.at // SAMPLE_SECONDS)
        if request.first_sent is not None and number < count:
            sums[number] += request.first_sent - request.wish.at
            counts[number] += 1
    pairs = zip(sums, counts, strict=True)
    return {"seconds": [total / number if number else 0.0 for total, number in pairs]}
