"""Limits of names, descriptions and metadata, and the message for each problem."""

import os
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snapshots.evs.limits import (
    BYTES_255,
    CHARS_64_85,
    clean_description,
    clean_metadata,
    clean_name,
    is_of_system,
    revert_copy_of,
    utf8_length,
)

MANY = 100_000 if os.environ.get("EVSPORTAL_LONG") == "1" else 2_000


def codes(result):
    return [problem.code for problem in result[1]]


@pytest.mark.parametrize(
    ("name", "profile", "expected"),
    [
        ("n" * 255, BYTES_255, []),
        ("n" * 256, BYTES_255, ["too_many_bytes"]),
        ("ş" * 127, BYTES_255, []),
        ("ş" * 128, BYTES_255, ["too_many_bytes"]),
        ("漢" * 85, BYTES_255, []),
        ("漢" * 86, BYTES_255, ["too_many_bytes"]),
        ("n" * 64, CHARS_64_85, []),
        ("n" * 65, CHARS_64_85, ["too_many_characters"]),
        ("漢" * 64, CHARS_64_85, []),
        ("n" * 256, CHARS_64_85, ["too_many_characters", "too_many_bytes"]),
        (" " * 300 + "n" * 255 + "\t\n", BYTES_255, []),
    ],
)
def test_length_of_names(name, profile, expected):
    assert codes(clean_name(name, profile=profile)) == expected


def test_sixty_four_emoji_are_one_byte_too_many():
    result = clean_name("😀" * 64, profile=CHARS_64_85, refuse_astral=False)
    assert codes(result) == ["too_many_bytes"]


def test_length_message_tells_limit_and_count():
    _, problems = clean_name("ş" * 128)
    assert problems[0].message == (
        "The name is 256 bytes long; at most 255 are allowed."
        " Letters such as ş or 漢 take two to four bytes."
    )
    _, problems = clean_description("d" * 86, profile=CHARS_64_85)
    assert problems[0].message == "The description is 86 characters long; at most 85 are allowed."


@pytest.mark.parametrize("blank", ["", " ", "\u00a0\u2003\n"])
def test_blank_is_nothing(blank):
    assert clean_name(blank) == (None, [])
    assert clean_description(blank) == (None, [])


def test_typed_text_is_only_trimmed():
    decomposed = unicodedata.normalize("NFD", "Günlük é")
    assert clean_name(f"\u00a0 {decomposed} \n") == (decomposed, [])


@pytest.mark.parametrize("char", ["\n", "\t", "\x00", "\x7f", "\x85", "\x9f", "\u2028", "\u2029"])
def test_control_characters_are_refused_inside(char):
    assert codes(clean_name(f"a{char}b")) == ["control_character"]
    assert codes(clean_description(f"a{char}b")) == ["control_character"]


@pytest.mark.parametrize("char", ["\u202a", "\u202b", "\u202e", "\u2066", "\u2069"])
def test_bidirectional_controls_are_refused(char):
    assert codes(clean_name(f"a{char}b")) == ["control_character"]
    assert codes(clean_description(f"a{char}b")) == ["control_character"]


@pytest.mark.parametrize("blank", ["\u200b", "\u200b \u2060", "\u00ad", "\u180e\ufeff"])
def test_invisible_name_is_refused(blank):
    for result in (clean_name(blank), clean_description(blank)):
        assert codes(result) == ["no_visible_character"]
    assert clean_name(f"a{blank}b") == (f"a{blank}b", [])


def test_bytes_that_could_not_be_read_are_refused():
    for result in (clean_name("a\ufffd"), clean_description("\ufffd")):
        assert codes(result) == ["unreadable_character"]
    message = clean_name("\ufffd")[1][0].message
    assert message == "The name has characters that could not be read (U+FFFD)."


def test_lone_surrogate_is_refused_and_does_not_crash():
    assert codes(clean_name("a\ud800b")) == ["broken_character"]
    assert utf8_length("a\ud800") == 4


def test_emoji_are_refused_only_where_asked():
    assert codes(clean_name("a😀")) == ["astral_character"]
    assert clean_name("a😀", refuse_astral=False) == ("a😀", [])


@pytest.mark.parametrize(
    "name",
    [
        "autobk_snapshot",
        "autobk_snapshot_vbs_1",
        "  AutoBK_Snapshot_1",
        "manualbk_snapshot_csbs_",
        "ａｕｔｏｂｋ＿ｓｎａｐｓｈｏｔ",
        "auto\u200bbk_snapshot",
        "\u2060autobk_snapshot",
        "\u200b autobk_snapshot",
        "auto\u00adbk_snapshot",
        "autobk_ſnapshot",
    ],
)
def test_names_of_backups_are_refused_however_spelled(name):
    assert codes(clean_name(name)) == ["reserved_prefix"]


@pytest.mark.parametrize("name", ["my autobk_snapshot", "autobk", "autobk-snapshot"])
def test_names_that_only_look_alike_are_fine(name):
    assert codes(clean_name(name)) == []


def test_reserved_prefixes_can_be_set():
    assert codes(clean_name("vbs_1", reserved_prefixes=["VBS_"])) == ["reserved_prefix"]
    assert codes(clean_name("autobk_snapshot", reserved_prefixes=[])) == []


def test_copies_that_a_revert_leaves_are_the_cloud_s():
    name = revert_copy_of("a8a1e6a5-0a4f-4b0f-a1a6-1d3f2b1c0d9e")
    assert name == "[revert] volume a8a1e6a5-0a4f-4b0f-a1a6-1d3f2b1c0d9e backup snapshot"
    assert is_of_system(name, {})
    assert not is_of_system("before the revert", {})
    assert codes(clean_name(name, reserved_prefixes=[])) == ["reserved_prefix"]


def test_all_problems_of_a_name_are_reported():
    result = clean_name("autobk_snapshot\n😀\ud800" + "n" * 255)
    assert codes(result) == [
        "too_many_bytes",
        "control_character",
        "broken_character",
        "astral_character",
        "reserved_prefix",
    ]


def test_metadata_rows_are_cleaned():
    rows = [(" owner ", " alice "), ("", ""), ("a b:c.d-e_F", ""), (" ", " ")]
    assert clean_metadata(rows) == ({"owner": " alice ", "a b:c.d-e_F": ""}, [])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("", "value"), ("key", "missing_key")),
        (("k" * 256, "v"), ("key", "too_many_characters")),
        (("a/b", "v"), ("key", "key_character")),
        (("é", "v"), ("key", "key_character")),
        (("a–b", "v"), ("key", "key_character")),
        (("a\nb", "v"), ("key", "key_character")),
        (("\ud800", "v"), ("key", "key_character")),
        (("__SYSTEM__x", "v"), ("key", "reserved_key")),
        (("EvsPortal-Operation", "v"), ("key", "reserved_key")),
        (("k", "v" * 256), ("value", "too_many_characters")),
        (("k", "a\nb"), ("value", "control_character")),
        (("k", "😀"), ("value", "astral_character")),
        (("k", "\udfff"), ("value", "broken_character")),
        (("k", "a\u202eb"), ("value", "control_character")),
        (("k", "\ufffd"), ("value", "unreadable_character")),
    ],
)
def test_metadata_row_with_a_problem(row, expected):
    cleaned, problems = clean_metadata([("fine", "1"), row])
    assert cleaned == {"fine": "1"}
    assert [(p.index, p.field, p.problem.code) for p in problems] == [(1, *expected)]


@pytest.mark.parametrize("row", [("k" * 255, "v" * 255), ("k", "漢" * 255)])
def test_metadata_at_its_limits(row):
    assert clean_metadata([row]) == (dict([row]), [])


def test_metadata_keys_are_unique_without_regard_to_case():
    cleaned, problems = clean_metadata([("Key", "1"), ("other", "2"), ("kEY ", "3")])
    assert cleaned == {"Key": "1", "other": "2"}
    assert (problems[0].index, problems[0].problem.code) == (2, "repeated_key")
    assert "Row 1 " in problems[0].problem.message


def test_ten_thousand_rows_are_one_problem_quickly():
    started = time.process_time()
    cleaned, problems = clean_metadata([(f"key-{n}", "x" * 1000) for n in range(10_000)][::-1])
    assert time.process_time() - started < 1
    assert [p.problem.code for p in problems].count("too_many") == 1
    assert "There are 10000 metadata entries; at most 100" in problems[0].problem.message
    assert len(problems) == 101
    assert cleaned == {}


# Written from the rules, not from the code: byte by byte and character by character.


SEPARATING_OR_TURNING = {0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def reference_name(text, *, most_bytes, most_chars, refuse_astral):
    text = text.strip()
    codes, size = set(), 0
    for char in text:
        point = ord(char)
        size += 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        if point < 0x20 or 0x7F <= point < 0xA0 or point in SEPARATING_OR_TURNING:
            codes.add("control_character")
        if point == 0xFFFD:
            codes.add("unreadable_character")
        if 0xD800 <= point <= 0xDFFF:
            codes.add("broken_character")
        if point > 0xFFFF and refuse_astral:
            codes.add("astral_character")
    if size > most_bytes:
        codes.add("too_many_bytes")
    if len(text) > most_chars:
        codes.add("too_many_characters")
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    if text and not seen.strip():
        codes.add("no_visible_character")
    seen = unicodedata.normalize("NFKC", seen)
    seen = unicodedata.normalize("NFKC", seen.casefold()).strip()
    if seen.startswith(("autobk_snapshot", "manualbk_snapshot", "[revert] volume")):
        codes.add("reserved_prefix")
    return text or None, codes


pieces = st.sampled_from(
    [
        *["autobk_snapshot", "manualbk_snapshot", "AUTOBK_", "snapshot", "ſ", "＿", "\u200b"],
        *["ş", "漢", "😀", "\ud800", "\n", "\t", "\u2028", "\x85", " ", "\u00a0", "e\u0301"],
        *["\u202e", "\u2066", "\u2069", "\ufffd", "\u00ad", "\ufeff"],
        *["n" * 60, "ş" * 42, "漢" * 28, "😀" * 20],
    ]
) | st.characters(categories=None)
names = st.lists(pieces, max_size=8).map("".join)


@pytest.mark.timeout(600)  # the long form
@settings(max_examples=MANY, deadline=None)
@given(names, st.sampled_from([BYTES_255, CHARS_64_85]), st.booleans())
@example("", BYTES_255, True)
def test_names_agree_with_the_reference(text, profile, refuse_astral):
    name, problems = clean_name(text, profile=profile, refuse_astral=refuse_astral)
    expected = reference_name(
        text,
        most_bytes=255,
        most_chars=profile.name_chars or 10**9,
        refuse_astral=refuse_astral,
    )
    assert (name, {problem.code for problem in problems}) == expected


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=5))
def test_metadata_never_crashes_and_answers_for_every_filled_row(rows):
    cleaned, problems = clean_metadata(rows)
    filled = [row for row in rows if row[0].strip() or row[1].strip()]
    assert len(cleaned) + len({p.index for p in problems}) == len(filled)
