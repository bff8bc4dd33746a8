"""What may stand in name, description and metadata, each told at its field."""

import time
from html import unescape
from urllib.parse import urlencode

import pytest

from snapshots.evs.limits import LimitsProfile
from snapshots.forms import snapshot as snapshot_form
from snapshots.forms.metadata import HIGHEST, MetadataRow, read_rows, with_row_added
from snapshots.models import Operation
from tests.factories import ask, errors_at, fill_form, rows

NEW = "/snapshots/new/"


def _assert_nothing_was_asked():
    assert not Operation.objects.exists()


# --- name and description --------------------------------------------------------------------

TOO_LONG = {
    "ASCII": "x" * 256,
    "Turkish": "ş" * 128,
    "Chinese": "漢" * 85 + "x",
}


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_256_bytes_are_one_too_many(field, text, alice, volume):
    answer = ask(alice, volume, **{field: text})
    assert "256 bytes long; at most 255" in errors_at(answer, field)[0]
    assert "256 of 255 bytes" in answer.text
    assert text in answer.text
    _assert_nothing_was_asked()


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_255_bytes_fit(field, text, alice, volume):
    fitting = text[1:].replace("漢x", "漢") + "x" * (255 - len(text[1:].encode()))
    ask(alice, volume, **{field: fitting[:255]})
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("field", ["name", "description"])
def test_emoji_are_refused_when_the_cloud_takes_none(field, alice, volume, settings):
    assert "no emoji" in errors_at(ask(alice, volume, **{field: "🙂"}), field)[0]
    settings.EVSPORTAL_REFUSE_ASTRAL = False
    ask(alice, volume, **{field: "🙂"})
    assert getattr(Operation.objects.get(), field) == "🙂"


def test_64_emoji_are_256_bytes(alice, volume, settings):
    settings.EVSPORTAL_REFUSE_ASTRAL = False
    assert "256 bytes" in errors_at(ask(alice, volume, name="🙂" * 64), "name")[0]


@pytest.mark.parametrize(
    "name",
    [
        "autobk_snapshot_x",
        "Autobk_Snapshot_x",
        "AUTOBK_SNAPSHOT",
        "  autobk_snapshot_padded",
        "\u3000autobk_snapshot",
        "ａｕｔｏｂｋ＿ｓｎａｐｓｈｏｔ",
        "autobk\u200b_snapshot",
        "manualbk_snapshot_vbs_1",
    ],
)
def test_names_of_backups_are_refused_however_written(name, alice, volume):
    assert (
        "kept for snapshots that the cloud makes"
        in errors_at(ask(alice, volume, name=name), "name")[0]
    )
    _assert_nothing_was_asked()


@pytest.mark.parametrize("field", ["name", "description"])
def test_control_characters_are_refused(field, alice, volume):
    for bad in ("a\nb", "a\tb", "a\x7fb", "a\x00b"):
        (error,) = errors_at(ask(alice, volume, **{field: bad}), field)
        assert "control character" in error
    _assert_nothing_was_asked()


@pytest.mark.parametrize("field", ["name", "description"])
def test_what_reads_other_than_it_is_is_refused(field, alice, volume):
    bad = {
        "a\u202eb": "control character (U+202E)",
        "\u200b": "has no visible character",
        "a\ufffd": "has characters that could not be read",
    }
    for text, words in bad.items():
        assert words in errors_at(ask(alice, volume, **{field: text}), field)[0]
    _assert_nothing_was_asked()


def test_bytes_that_are_no_utf8_are_refused(alice, volume):
    fields = urlencode(fill_form(volume, name=b"\xff\xfe"))
    answer = alice.post(NEW, fields, content_type="application/x-www-form-urlencoded")
    assert "could not be read" in errors_at(answer, "name")[0]
    _assert_nothing_was_asked()


def test_name_over_character_limit_is_refused(alice, volume, monkeypatch):
    narrow = LimitsProfile(name="narrow", name_bytes=255, description_bytes=255, name_chars=64)
    monkeypatch.setattr(snapshot_form, "PROFILES", {"bytes-255": narrow})
    answer = ask(alice, volume, name="ş" * 65)
    assert "65 characters long; at most 64" in errors_at(answer, "name")[0]
    assert "65 of 64 characters, 130 of 255 bytes" in answer.text


def test_the_limit_is_told_before_anything_is_typed(alice, volume):
    assert "At most 255 bytes" in alice.get(NEW).text


# --- metadata --------------------------------------------------------------------------------


def test_rows_in_any_numbering_with_blanks_between(alice, volume):
    told = {
        "metadata-7-key": "b",
        "metadata-7-value": "2",
        "metadata-3-key": "",
        "metadata-3-value": "",
        "metadata-0-key": "a",
        "metadata-0-value": " 1 ",
    }
    ask(alice, volume, **told)
    assert Operation.objects.get().metadata == {"a": " 1 ", "b": "2"}


def test_rows_of_high_numbers_are_read(alice, volume):
    told = {"metadata-123456789-key": "b", "metadata-123456789-value": "2"}
    ask(alice, volume, **rows(("a", "1")), **told)
    assert Operation.objects.get().metadata == {"a": "1", "b": "2"}


@pytest.mark.parametrize("number", ["", "x", "01", "-1", "٣", "1234567890", "9" * 500])
def test_a_row_that_cannot_be_read_is_told(number, alice, volume):
    answer = ask(alice, volume, **{f"metadata-{number}-key": "a", "metadata-0-value": "kept?"})
    anchor, words = answer.context["form"].problems[-1]
    assert anchor == "metadata"
    assert "in a field the portal cannot read" in words
    assert words in unescape(answer.text)
    _assert_nothing_was_asked()


def test_ten_thousand_rows_are_read_fast():
    posted = rows(*[(f"k{n}", "v") for n in range(10_000)])
    started = time.process_time()
    assert len(read_rows(posted)) == 10_000
    assert time.process_time() - started < 1


def test_a_row_can_be_added_after_the_highest_number():
    added = with_row_added([MetadataRow(0), MetadataRow(HIGHEST)])
    assert added[-1].number == 1


def test_each_row_tells_its_own_problems(alice, volume):
    told = rows(
        ("", "no key"), ("evsportal-operation", "x"), ("same", "1"), ("Same", "2"), ("ş", "a\nb")
    )
    answer = ask(alice, volume, **told)
    errors = {row.number: row.key_errors + row.value_errors for row in answer.context["form"].rows}
    assert errors[0] == ["This value needs a key."]
    assert "itself" in errors[1][0]
    assert errors[2] == []
    assert "Row 3 has the same key" in errors[3][0]
    assert len(errors[4]) == 2
    assert 'href="#id_metadata-3-key"' in answer.text
    assert 'aria-describedby="id_metadata-4-value_error"' in answer.text
    _assert_nothing_was_asked()


def test_more_rows_than_allowed_are_told_fast(alice, volume):
    answer = ask(alice, volume, **rows(*[(f"k{n}", "v") for n in range(300)]))
    assert "There are 300 metadata entries; at most 100" in answer.text
    _assert_nothing_was_asked()


def test_adding_a_row_without_script_keeps_everything(alice, volume):
    told = rows(("team", "payroll"))
    answer = ask(alice, volume, name="kept", **told, **{"add-row": "1"})
    for words in ('value="kept"', 'value="team"', 'name="metadata-1-key"', "selected"):
        assert words in answer.text
    assert answer.context["form"].problems == []
    _assert_nothing_was_asked()


def test_removing_a_row_without_script_keeps_the_others(alice, volume):
    told = rows(("a", "1"), ("b", "2"), ("c", "3"))
    answer = ask(alice, volume, **told, **{"remove-row": "1"})
    assert [row.key for row in answer.context["form"].rows] == ["a", "c"]
    assert 'name="metadata-2-key"' in answer.text


def test_removing_the_last_row_leaves_a_blank_one(alice, volume):
    answer = ask(alice, volume, **rows(("a", "1")), **{"remove-row": "0"})
    assert [row.key for row in answer.context["form"].rows] == [""]
