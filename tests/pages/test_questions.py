"""Auditors see how often, when and which; others see nothing; each look is written down first."""

import csv
import io
import json
import re
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError
from django.utils import timezone

from snapshots.audit.record import actions
from snapshots.models import Action, ActionCode, Operation
from snapshots.questions import figures
from snapshots.questions.figures import figures_of
from snapshots.questions.rules import Question
from tests import factories as scene

PAGE = "/audit/questions/"
REFUSED = f"{PAGE}refused/"
EVIL = "<script>alert(1)</script>\u202e"
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def refused(alice, volume):
    """One of an hour ago, one of a week ago, and one that was not refused."""
    scene.operation(alice.user, volume, state="refused", name="of-today", ago_seconds=3600)
    week = timedelta(days=7).total_seconds()
    scene.operation(alice.user, volume, state="refused", name="of-last-week", ago_seconds=week)
    scene.operation(alice.user, volume, state="cancelled", name="near-miss")


def names(answer):
    return [operation.name for operation in answer.context["page"].rows]


# --- all of them -----------------------------------------------------------------------------


def test_each_question_has_its_sentence_and_its_figures(audrey, refused):
    page = audrey.get(PAGE)
    for question in Question:
        assert str(question.label) in page.text
        assert f'href="{PAGE}{question}/"' in page.text
    assert "The cloud said no, and nothing was made." in page.text
    assert "outside Mon-Fri 08:00-18:00 UTC" in page.text
    answers = {answer["question"]: answer for answer in page.context["answers"]}
    assert (answers["refused"]["recent"], answers["refused"]["in_all"]) == ("2", "2")
    assert answers["forced"]["in_all"] == "0"


def test_plot_has_bars_name_and_numbers(audrey, refused):
    page = audrey.get(PAGE).text
    assert page.count("<svg ") == len(Question)
    assert len(re.findall(r"<rect class=\"plot__bar", page)) == 2
    assert "<title>Week from 23 Feb 2026: 1</title>" in page
    assert 'aria-label="Refused by the cloud: Requests a week, 26 weeks from 08 Sep 2025.' in page
    assert '<tr><th scope="row">23 Feb 2026</th><td class="number">1</td></tr>' in page
    assert page.count('<th scope="row">') == 26 * len(Question)
    assert "style=" not in page


def test_weeks_begin_on_monday_and_days_are_whole(alice, volume):
    today = datetime(2026, 3, 4, tzinfo=UTC)  # a Wednesday
    moments = (
        today,
        today - timedelta(days=2),
        today - timedelta(days=2, microseconds=1),  # the Sunday before
        today - timedelta(days=29),
        today - timedelta(days=29, microseconds=1),
        datetime(2025, 9, 8, tzinfo=UTC),
        datetime(2025, 9, 7, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 9, tzinfo=UTC),  # the clock was set back
    )
    for number, moment in enumerate(moments):
        for _ in range(2**number):
            scene.operation(alice.user, volume, state="refused", asked_at=moment)
    scene.operation(alice.user, volume, asked_at=today, forced_in_use=True)
    with time_machine.travel(today + timedelta(hours=10), tick=False):
        (refused,) = figures_of([Question.REFUSED])
    assert refused.recent == 1 + 2 + 4 + 8 + 128
    assert refused.in_all == 255
    assert len(refused.weeks) == 26
    assert [week.count for week in refused.weeks[-2:]] == [4, 3]
    assert (refused.weeks[0].first, refused.weeks[0].count) == (date(2025, 9, 8), 32)
    assert sum(week.count for week in refused.weeks) == 1 + 2 + 4 + 8 + 16 + 32


def test_counting_ends_and_the_page_says_so(audrey, refused, monkeypatch):
    assert "Counting ends at 10,000" in audrey.get(PAGE).text
    monkeypatch.setattr(figures, "MOST_COUNTED", 2)
    page = audrey.get(PAGE).text
    assert "<dd>2+</dd>" in page
    assert "<title>Week from 23 Feb 2026: 1</title>" in page
    assert "2+ requests, newest first" in audrey.get(REFUSED).text
    assert "2+ requests in this period" in audrey.get(REFUSED, {"since": "2026-02-01"}).text
    assert "1 request in this period" in audrey.get(REFUSED, {"since": "2026-03-02"}).text


def test_the_audit_page_leads_to_them_and_back(audrey):
    assert f'<a href="{PAGE}">Questions</a>' in audrey.get("/audit/").text
    assert '<a href="/audit/">Records</a>' in audrey.get(PAGE).text


# --- one of them -----------------------------------------------------------------------------


def test_row_has_facts_and_link_to_trail(audrey, helen):
    told = scene.operation(
        helen.user,
        scene.volume(),
        state="refused",
        on_behalf_of="carol",
        ticket="CHG123",
        ago_seconds=0,
    )
    page = audrey.get(REFUSED).text
    for words in (
        "<bdi>helen</bdi>",
        "<bdi>carol</bdi>",
        "CHG123",
        "web-01-data",
        "02 Mar 2026, 10:00:00 UTC",
        "badge--bad",
        f'href="/requests/{told.pk}/"',
        f'href="/audit/?q=operation:{told.pk}"',
    ):
        assert words in page
    assert audrey.get(f"/audit/?q=operation:{told.pk}").status_code == 200


@pytest.mark.parametrize(
    ("period", "shown", "count"),
    [
        ({}, ["of-today", "of-last-week"], "2 requests, newest first"),
        ({"since": "2026-03-02"}, ["of-today"], "1 request in this period"),
        ({"until": "2026-03-01"}, ["of-last-week"], "1 request in this period"),
        ({"since": "2026-02-23", "until": "2026-02-23"}, ["of-last-week"], "1 request in"),
        ({"since": "2026-03-03"}, [], "No request of this period matches."),
    ],
)
def test_requests_are_filtered_by_period(audrey, refused, period, shown, count):
    answer = audrey.get(REFUSED, period)
    assert names(answer) == shown
    assert count in answer.text


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ({"since": "2026-02-30"}, "Enter a valid date."),
        ({"since": "\u202e=cmd"}, "Enter a valid date."),
        ({"until": "9999-12-31"}, "Choose an earlier day."),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "From day is after To day."),
    ],
)
def test_a_broken_period_is_said_and_shows_nothing(audrey, refused, period, words):
    answer = audrey.get(REFUSED, period)
    assert words in answer.text
    assert "of-today" not in answer.text
    answer = audrey.get(f"{REFUSED}export/", period)
    assert answer.headers["Location"].startswith(f"{REFUSED}?")
    assert not Action.objects.filter(code=ActionCode.AUDIT_EXPORTED).exists()


def test_pages_show_each_request_once(audrey, alice, volume):
    asked = [
        scene.operation(alice.user, volume, state="refused", name=f"n{number}", ago_seconds=60)
        for number in range(103)
    ]
    seen, before = [], ""
    while before is not None:
        answer = audrey.get(REFUSED, {"since": "2026-03-01", "before": before})
        seen += names(answer)
        before = answer.context["page"].next
        if before:
            assert f"?since=2026-03-01&amp;before={before}" in answer.text
    assert sorted(seen) == sorted(one.name for one in asked)


@pytest.mark.parametrize("before", ["x", "1-", "-1", str(uuid.UUID(int=7)), "9" * 40])
def test_nonsense_for_a_place_starts_at_the_top(audrey, refused, before):
    assert names(audrey.get(REFUSED, {"before": before})) == ["of-today", "of-last-week"]


@pytest.mark.parametrize("name", ["nothing", "REFUSED", "refused-"])
def test_what_is_no_question_is_not_found(audrey, name):
    assert audrey.get(f"{PAGE}{name}/").status_code == 404
    assert audrey.get(f"{PAGE}{name}/export/").status_code == 404


def test_strangers_find_nothing(alice, bob, helen, root, nobody, refused):
    for browser in (alice, bob, helen, root, nobody):
        for address in (PAGE, REFUSED, f"{REFUSED}export/"):
            assert browser.get(address).status_code == 404
    assert not Action.objects.filter(code=ActionCode.AUDIT_ASKED).exists()


def test_hostile_text_is_shown_as_text(audrey, helen):
    told = dict.fromkeys(
        ("name", "ticket", "on_behalf_of", "volume_name", "requester_name", "reason", "code"), EVIL
    )
    scene.operation(helen.user, scene.volume(), state="refused", **told)
    page = audrey.get(REFUSED).text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 8  # three of them in a tooltip too


# --- written down ----------------------------------------------------------------------------


def test_reading_is_recorded_before_anything_is_shown(audrey, refused, monkeypatch):
    audrey.get(PAGE)
    audrey.get(REFUSED, {"since": "2026-03-01", "before": "x"})
    one, all_of_them = Action.objects.filter(code=ActionCode.AUDIT_ASKED).order_by("-seq")
    assert all_of_them.details == {"question": "all, in figures"}
    assert (one.subject, one.actor_name) == ("refused", "audrey")
    assert one.details == {
        "question": "Refused by the cloud",
        "since": "2026-03-01",
        "before": "x",
    }

    def broken(*_args, **_told):
        raise DatabaseError("no trail")

    monkeypatch.setattr(actions.Action, "save", broken)
    audrey.raise_request_exception = False
    for address in (PAGE, REFUSED, f"{REFUSED}export/"):
        answer = audrey.get(address)
        assert answer.status_code == 500
        assert "of-today" not in answer.text


def test_reads_of_questions_are_hidden_by_default(audrey, refused):
    audrey.get(REFUSED)
    assert "read a saved question" not in audrey.get("/audit/").text
    assert "read a saved question" in audrey.get("/audit/", {"background": "on"}).text


# --- taken out -------------------------------------------------------------------------------


def exported(browser, **query):
    answer = browser.get(f"{REFUSED}export/", query)
    assert answer.status_code == 200
    return answer, b"".join(answer.streaming_content)


def test_csv_is_for_spreadsheets_and_never_a_formula(audrey, helen):
    formulas = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"]
    for text in formulas:
        told = {"name": text, "ticket": text, "on_behalf_of": text, "volume_name": text}
        scene.operation(
            helen.user,
            scene.volume(),
            state="refused",
            outcome_code="refused",
            outcome_values={"cloud_said": 'a, "b"\nc'},
            **told,
        )
    answer, content = exported(audrey, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="refused-20260302-100000.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(formulas)
    for field in ("name", "ticket", "on_behalf_of", "volume_name"):
        assert sorted(row[field] for row in rows) == sorted("'" + text for text in formulas)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-"))]
    assert {json.loads(row["outcome_values"])["cloud_said"] for row in rows} == {'a, "b"\nc'}


def test_json_lines_have_all_of_it_as_it_is(audrey, refused):
    _answer, content = exported(audrey, format="jsonl")
    rows = [json.loads(line) for line in content.splitlines()]
    assert [row["name"] for row in rows] == ["of-today", "of-last-week"]
    first = Operation.objects.get(name="of-today")
    assert (rows[0]["operation"], rows[0]["question"]) == (str(first.pk), "refused")
    assert rows[0]["asked_at"] == "2026-03-02T09:00:00.000000Z"
    assert rows[0]["force"] is False


def test_an_export_holds_the_period_and_is_recorded(audrey, refused):
    _answer, content = exported(audrey, since="2026-03-02", until="2026-03-02")
    assert b"of-today" in content
    assert b"of-last-week" not in content
    done = Action.objects.filter(code=ActionCode.AUDIT_EXPORTED).get()
    assert done.details == {
        "question": "Refused by the cloud",
        "since": "2026-03-02",
        "until": "2026-03-02",
        "format": "csv",
    }


def test_the_page_offers_what_it_shows(audrey, refused):
    page = audrey.get(REFUSED, {"since": "2026-03-01", "before": "x"}).text
    assert f'href="{REFUSED}export/?since=2026-03-01&amp;format=csv"' in page
    assert f'href="{REFUSED}export/?since=2026-03-01&amp;format=jsonl"' in page


def test_another_format_is_not_found(audrey):
    assert audrey.get(f"{REFUSED}export/", {"format": "xml"}).status_code == 404


# --- snapshots, where the others find requests -------------------------------------------------

UNASKED = f"{PAGE}unasked/"


def test_snapshots_count_on_the_day_they_were_made(audrey, alice, volume):
    scene.snapshot(scene.operation(alice.user, volume, state="succeeded"))
    last_week = MONDAY - timedelta(days=7)
    scene.foreign_snapshot(volume, name="old", created_at=last_week)
    scene.foreign_snapshot(volume, name=EVIL, created_at=MONDAY, gone_at=MONDAY)
    answer = audrey.get(UNASKED)
    assert [row.name for row in answer.context["page"].rows] == [EVIL, "old"]
    assert "2 snapshots, newest first" in answer.text
    assert "Snapshots a week; at most 1, in the week from 23 Feb 2026" in answer.text
    assert "<script>alert" not in answer.text
    assert "Deleted in the cloud after" in answer.text
    assert "1 snapshot in this period" in audrey.get(UNASKED, {"until": "2026-03-01"}).text
    assert "No snapshot of this period" in audrey.get(UNASKED, {"since": "2026-03-03"}).text


def test_pages_show_each_snapshot_once(audrey, volume):
    made = [
        scene.foreign_snapshot(volume, name=f"n{number}", created_at=MONDAY)
        for number in range(103)
    ]
    seen, before = [], ""
    while before is not None:
        answer = audrey.get(UNASKED, {"since": "2026-03-01", "before": before})
        seen += names(answer)
        before = answer.context["page"].next
    assert sorted(seen) == sorted(row.name for row in made)


def test_an_export_of_snapshots_has_their_columns(audrey, volume):
    made = scene.foreign_snapshot(volume, name="=cmd", created_at=MONDAY)
    answer = audrey.get(f"{UNASKED}export/", {"format": "csv"})
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(content, newline=""))
    assert (row["question"], row["snapshot"], row["name"]) == ("unasked", made.snapshot_id, "'=cmd")
    assert row["created_at"] == "2026-03-02T10:00:00.000000Z"
    assert row["volume_id"] == volume.volume_id


# --- what it costs ---------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 120])
def test_the_number_of_queries(rows, audrey, alice, volume, django_assert_max_num_queries):
    for number in range(rows):
        scene.operation(alice.user, volume, state="refused", ago_seconds=86_400 * number)
        scene.foreign_snapshot(volume)
    assert Operation.objects.filter(state="refused").count() == rows
    with django_assert_max_num_queries(12):
        audrey.get(PAGE)
    with django_assert_max_num_queries(12):
        audrey.get(REFUSED, {"since": "2025-01-01", "until": str(timezone.now().date())})
    with django_assert_max_num_queries(12):
        audrey.get(UNASKED)
    with django_assert_max_num_queries(8):
        exported(audrey)
