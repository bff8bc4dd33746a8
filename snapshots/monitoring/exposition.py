"""The figures as Prometheus reads them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.core.cache import cache as local_cache
from django.db import DatabaseError
from prometheus_client import core
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from evsportal import figures
from snapshots.models import REFUSAL_CODES
from snapshots.monitoring import metrics
from snapshots.monitoring.metrics import METRICS, Kind, Metric
from snapshots.monitoring.readings import Distribution, Reading, read_all
from snapshots.monitoring.requests import view_numbers

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_KEY = "database-figures"
_KEPT_SECONDS = 1


@dataclass(frozen=True, slots=True)
class _FromDatabase:
    readings: list[Reading]
    seconds: float
    is_up: bool = True


def exposition(*, is_ready: bool) -> bytes:
    """All figures, as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Portal(is_ready=is_ready))
    return generate_latest(registry)


class _Portal(Collector):
    def __init__(self, *, is_ready: bool) -> None:
        self._is_ready = is_ready

    def collect(self) -> Iterable[core.Metric]:
        database = _from_database()
        readings = [
            Reading(metrics.READY, (), self._is_ready),
            Reading(metrics.DATABASE_UP, (), database.is_up),
            Reading(metrics.READING_SECONDS, (), database.seconds),
            *_of_server(),
            *database.readings,
        ]
        for metric in METRICS:
            yield _family(metric, [each for each in readings if each.metric == metric])


def _from_database() -> _FromDatabase:
    """Looked for at most once a second in each process, however often it is asked."""
    figures_now: _FromDatabase | None = local_cache.get(_KEY)
    if figures_now is None:
        began = time.monotonic()
        try:
            figures_now = _FromDatabase(read_all(), time.monotonic() - began)
        except DatabaseError:
            figures_now = _FromDatabase([], time.monotonic() - began, is_up=False)
        local_cache.set(_KEY, figures_now, _KEPT_SECONDS)
    return figures_now


def _of_server() -> Iterator[Reading]:
    counted = figures.of_server()
    for view, number in view_numbers().items():
        counts, seconds, by_status = counted.answers_of(number)
        if not any(counts):
            continue  # most views of most servers
        distribution = Distribution(figures.BOUNDS, counts, seconds)
        yield Reading(metrics.REQUEST_SECONDS, (view,), distribution)
        for status, count in by_status.items():
            yield Reading(metrics.REQUESTS, (view, status), count)
    for number, code in enumerate(REFUSAL_CODES):
        yield Reading(metrics.REFUSALS, (code,), counted.refusals_of(number))


def _family(metric: Metric, readings: Sequence[Reading]) -> core.Metric:
    if metric.kind is Kind.HISTOGRAM:
        histogram = core.HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for each in readings:
            if isinstance(each.value, Distribution):
                histogram.add_metric(each.labels, _buckets(each.value), each.value.total)
        return histogram
    family: core.GaugeMetricFamily | core.CounterMetricFamily
    if metric.kind is Kind.GAUGE:
        family = core.GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    else:
        family = core.CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for each in readings:
        if not isinstance(each.value, Distribution):
            family.add_metric(each.labels, float(each.value))
    return family


def _buckets(distribution: Distribution) -> list[tuple[str, float]]:
    """Added up, as Prometheus wants them."""
    bounds = [*(str(float(bound)) for bound in distribution.bounds), "+Inf"]
    counts = (sum(distribution.counts[: last + 1]) for last in range(len(bounds)))
    return list(zip(bounds, counts, strict=True))
