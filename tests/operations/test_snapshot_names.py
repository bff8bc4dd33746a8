"""The names that the settings give snapshots: within every limit, whatever the volume is called."""

import unicodedata
from datetime import UTC, datetime

import pytest

from snapshots import clouds
from snapshots.evs.limits import utf8_length
from snapshots.models import Volume
from snapshots.operations.checks import check_name_template
from snapshots.operations.names import suggested_name, template_problem

NOW = datetime(2026, 11, 29, 15, 31, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _sandbox(settings):
    settings.EVSPORTAL_MODE = "sandbox"
    clouds.forget()


def _name(volume_name, **values):
    volume = Volume(cloud="sandbox", name=volume_name, volume_id="0a1b2c3d-rest")
    return suggested_name(volume, now=NOW, **values)


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{volume}-{date}-{time}", {}, "db-20261129-1531Z"),
        ("{ticket} {volume} {date}", {"ticket": "CHG-1"}, "CHG-1 db 20261129"),
        ("{ticket} {volume} {date}", {}, "db 20261129"),
        ("{volume}_{ticket}_{date}", {}, "db_20261129"),
        ("before {volume} by {person}", {"person": "helen"}, "before db by helen"),
    ],
)
def test_template_is_filled(template, values, expected, settings):
    settings.EVSPORTAL_NAME_TEMPLATE = template
    assert _name("db", **values) == expected


@pytest.mark.parametrize("letter", ["x", "ş", "漢", "م\u064e\u0651"])
def test_long_names_are_cut_between_letters(letter, settings):
    settings.EVSPORTAL_NAME_TEMPLATE = "{ticket}-{volume}-{date}"
    name = _name(letter * 120, ticket="T" * 80)
    assert utf8_length(name) <= 255
    stem = name.split("-")[1]
    assert stem
    assert not unicodedata.combining(stem[0])
    assert name.endswith("-20261129")


@pytest.mark.parametrize("volume_name", ["autobk_snapshot", "🙂", "a\u202eb"])
def test_names_that_the_cloud_refuses_are_not_suggested(volume_name):
    assert _name(volume_name) == "snapshot-20261129-1531Z"


def test_volume_without_a_name_gives_its_id():
    assert _name("") == "volume-0a1b2c3d-20261129-1531Z"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{volume} {host}", "{host} is not one of"),
        ("{volume!r}", "{volume} is not one of"),
        ("{volume:>9}", "{volume} is not one of"),
        ("{volume.cloud}", "{volume.cloud} is not one of"),
        ("{volume", "expected '}'"),
        ("snapshot", "it has no place that is filled"),
    ],
)
def test_template_that_cannot_be_filled_stops_the_start(template, words, settings):
    settings.EVSPORTAL_NAME_TEMPLATE = template
    assert words in template_problem(template)
    assert [message.id for message in check_name_template()] == ["evsportal.E045"]
