"""Which volumes the conditions of a rule cover, without a table."""

from datetime import UTC, datetime, timedelta

import pytest

from snapshots.models import Volume
from snapshots.rights.rules import Rule, VolumeFacts, is_without_limit
from tests.factories import rule


def covers(grant, **facts):
    return Rule.of(grant).covers(VolumeFacts.of(Volume(**facts)))


@pytest.mark.parametrize(
    ("pattern", "name", "is_covered"),
    [
        ("web-*", "web-01", True),
        ("web-*", "WEB-01", True),
        ("WEB-*", "web-", True),
        ("web-*", "my-web-01", False),
        ("web-??", "web-01", True),
        ("web-??", "web-1", False),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("%", "web", False),
        ("100%", "100%", True),
        ("a_b", "axb", False),
        ("a[bc]", "ab", False),
        ("a[bc]", "a[bc]", True),
        ("a[!b]*", "a[!b]c", True),
        ("a]*", "A]x", True),
        ("a\\*", "a\\x", True),
        ("İstanbul*", "istanbul-1", True),
        ("müşteri-*", "MUSTERI-9", True),
        ("財務-*", "財務-備份", True),
        ("ﬁle-*", "file-1", True),
        ("a＊", "abc", False),
        ("a＊", "a*", True),
        ("a.c", "abc", False),
        ("(?i)x", "x", False),
    ],
)
def test_pattern_of_a_name(pattern, name, is_covered):
    assert covers(rule(name_pattern=pattern), name=name) is is_covered


def test_hostile_pattern_takes_no_time():
    pattern, name = "*a" * 120 + "*b", "a" * 255
    grant = rule(name_pattern=pattern)
    begun = datetime.now(UTC)
    assert not covers(grant, name=name)
    assert datetime.now(UTC) - begun < timedelta(seconds=1)


FACTS = {
    "name": "web-01",
    "volume_type": "SSD",
    "availability_zone": "tr-west-1a",
    "server_ids": ["server-1", "server-2"],
    "metadata": {"team": "Payroll", "empty": ""},
}


@pytest.mark.parametrize(
    ("conditions", "is_covered"),
    [
        ({"server_id": "server-2"}, True),
        ({"server_id": "server"}, False),
        ({"volume_type": "ssd"}, True),
        ({"availability_zone": "TR-WEST-1A", "volume_type": "SSD"}, True),
        ({"availability_zone": "tr-west-1b", "volume_type": "SSD"}, False),
        ({"metadata_key": "team", "metadata_value": "pay*"}, True),
        ({"metadata_key": "Team", "metadata_value": "*"}, False),
        ({"metadata_key": "empty", "metadata_value": "*"}, True),
        ({"metadata_key": "empty", "metadata_value": "?"}, False),
        ({"name_pattern": "web-*", "metadata_key": "team", "metadata_value": "x"}, False),
        ({}, False),
    ],
)
def test_all_conditions_must_hold(conditions, is_covered):
    assert covers(rule(**conditions), **FACTS) is is_covered


def test_what_was_never_read_matches_nothing():
    assert not covers(rule(server_id="server-1"), server_ids=None)
    assert not covers(rule(metadata_key="a", metadata_value="*"), metadata=None)


def test_rule_without_limit():
    assert is_without_limit(rule(name_pattern="***"))
    assert not is_without_limit(rule(name_pattern="*", volume_type="SSD"))
    assert not is_without_limit(rule(name_pattern="*a*"))
    assert is_without_limit(rule(name_pattern="*\u0301"))
    assert not is_without_limit(rule(name_pattern="\uff0a"))


@pytest.mark.parametrize("column", ["volume_type", "availability_zone"])
def test_stored_condition_of_a_lone_accent_covers_nothing(column):
    alone = {column: "\u0301"}
    assert not covers(rule(**alone), **FACTS)
    assert not covers(rule(name_pattern="web-*", **alone), **FACTS)
    assert not covers(rule(**alone))
