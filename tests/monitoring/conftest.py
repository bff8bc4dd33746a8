"""The page that Prometheus reads, of this process."""

import pytest
from django.core.cache import cache
from prometheus_client.parser import text_string_to_metric_families

from evsportal import figures
from snapshots import tallies

TOKEN = "t0ken-of-monitoring-that-is-long-enough"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What other tests counted is not there."""
    cache.clear()
    figures.allot(1)
    monkeypatch.setattr(tallies, "_counts", tallies._Counts())


@pytest.fixture
def token(settings):
    settings.EVSPORTAL_METRICS_TOKEN = TOKEN
    return {"Authorization": f"Bearer {TOKEN}"}


def samples_of(text):
    """The value of each series, by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(client, token):
    def read():
        cache.clear()
        answer = client.get("/metrics", headers=token)
        assert answer.status_code == 200
        return samples_of(answer.text)

    return read
