"""Published files, and the configuration or sentences that each must give."""

import pytest

from snapshots import clouds
from tests.clouds_yaml import reading


@pytest.fixture
def portal(tmp_path, settings, monkeypatch):
    """Starts reading the samples in a folder that is also the home."""

    def start(sample):
        reading.written(sample, folder=tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        variables = reading.environment(tmp_path)
        reading.apply(variables, settings=settings, monkeypatch=monkeypatch)
        return reading.result(tmp_path)

    yield start
    clouds.forget()


@pytest.mark.parametrize("path", reading.SAMPLES, ids=lambda path: path.stem)
def test_published_files_are_read_as_written(path, portal):
    sample = reading.read_sample(path)
    expected = {key: sample[key] for key in ("means", "says") if key in sample}
    assert portal(sample) == expected
    assert reading.SECRET not in str(sample.get("says"))


def test_sixty_samples_show_every_kind_of_file():
    assert len(reading.SAMPLES) >= 60
    names = {name for path in reading.SAMPLES for name in reading.read_sample(path)["files"]}
    assert {"clouds.yaml", "secure.yaml", ".env", "clouds-public.yaml"} <= names
