"""Samples of clouds.yaml with a damaged piece: a sentence, no crash, no secret."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.clouds_yaml import CloudsRefused, read_clouds
from tests.clouds_yaml import reading

PIECES = [
    "", "~", "0123", "yes", "[a]", "{a: b}", "''", "&x y", "*x", "!t v", "|\n  pl4nted", "<<",
    "? [a]", "- a", "\t", "\x00", "é", "=", "2026-01-01", ": ", " # c", "{{ x }}", "'", '"', "[",
    "}", '"\\UFFFFFFFF"', '"\\ud800"', "!!float ''", "!!int ''", "|x", "? x",
]  # fmt: skip
SAMPLES = [reading.read_sample(path)["files"] for path in reading.SAMPLES]


@st.composite
def damaged(draw):
    """A sample's files, with a few characters of a YAML file replaced by a piece."""
    files = dict(draw(st.sampled_from(SAMPLES)))
    name = draw(st.sampled_from([name for name in files if name.endswith(".yaml")]))
    for _ in range(draw(st.integers(1, 3))):
        text = files[name]
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 6))
        files[name] = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return files


def sentences(files):
    with TemporaryDirectory() as folder:
        reading.written({"files": files}, folder=Path(folder))
        try:
            read_clouds(Path(folder, "clouds.yaml"))
        except CloudsRefused as refusal:
            return refusal.sentences
    return ()


@settings(max_examples=300, deadline=None)
@given(files=damaged())
def test_damaged_sample_never_shows_its_secrets(files):
    for sentence in sentences(files):
        assert ".yaml" in sentence
        assert reading.SECRET not in sentence
