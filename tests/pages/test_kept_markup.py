"""A part of a page that a process keeps equals the part that it would render now: for each person,
language, time zone and row.
"""

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone, translation

from snapshots.audit.record.actions import record
from snapshots.forms import AuditSearchForm, OperationFilterForm, SnapshotFilterForm
from snapshots.models import Action, ActionCode, Exchange, Snapshot, Volume
from snapshots.selectors import preferences
from snapshots.selectors.preferences import Viewer
from snapshots.templatetags import lines, once
from snapshots.templatetags.live import Live, Pace
from snapshots.templatetags.operations_table import operations_table
from snapshots.templatetags.records_table import records_table
from snapshots.templatetags.snapshots_table import Shape, snapshots_table
from snapshots.templatetags.table import Sorting
from snapshots.templatetags.volumes_table import volumes_table
from snapshots.views.operations import lines_of
from tests import factories as scene

NOW = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)  # another day in the east
TEXTS = ("", "nightly", "<b>&amp;</b>", "x data-ago>y", 'a"b', "None", "\u202eright")
TYPED = ("", "None", "True", "False", "0", "on", "a", "<a>", "['a']", "open", "error", "x" * 300)
LANGUAGES = ("en-gb", "tr", "zh-hans", "ar")
ZONES = ("UTC", "Europe/Istanbul", "America/St_Johns")


def viewers():
    for language, zone, utc_first in product(LANGUAGES, ZONES, (False, True)):
        yield language, Viewer(zone=ZoneInfo(zone), zone_name=zone, utc_first=utc_first)


@pytest.fixture
def people(monkeypatch):
    """Makes each of many people look, in their language, in no order."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)

    def look(write):
        draw = random.Random(7)
        for language, who in draw.sample(list(viewers()) * 2, 40):
            token = preferences._viewer.set(lambda who=who: who)
            with translation.override(language):
                write(draw)
            preferences._viewer.reset(token)

    return look


def assert_kept_equals_fresh(make, module, memory):
    """`memory` keeps what others saw before; emptied for a moment, nothing of that is used."""
    with_memory, memory_before = make(), getattr(module, memory)
    setattr(module, memory, {})
    without_memory = make()
    setattr(module, memory, memory_before)
    assert with_memory == without_memory


def assert_same_lines(make):
    assert_kept_equals_fresh(lambda: list(make()["table"].groups()), lines, "_written")


def drawn_context(draw):
    live = Live("/", Pace()) if draw.random() < 0.5 else None
    return Context({"live": live})


def test_lines_of_requests_equal_fresh_ones(alice, volume, people):
    states = ("succeeded", "failed", "cancelled", "queued")
    made = [
        scene.operation(alice.user, volume, name=name, state=state, ticket=name[:9])
        for name, state in product(TEXTS, states)
    ]
    for number, row in enumerate(made):
        row.asked_at = NOW - timedelta(minutes=7 * number)
        row.sent_at = row.state_at = row.asked_at
        row.finished_at = row.finished_at and row.asked_at + timedelta(seconds=number)

    def write(draw):
        rows, sees_all = draw.sample(made, 5), draw.random() < 0.5
        context = drawn_context(draw)
        assert_same_lines(lambda: operations_table(context, lines_of(rows), sees_all))

    people(write)


def test_lines_of_snapshots_equal_fresh_ones(volume, people):
    marks = ({}, {"missing_since": NOW}, {"gone_at": NOW}, {"size_gb": None}, {"maker": "system"})
    made = [
        scene.foreign_snapshot(volume, name=name, created_at=NOW - timedelta(hours=5), **mark)
        for name, mark in product(TEXTS, marks)
    ]

    def write(draw):
        columns = [name for name in ("description", "size", "created", "id") if draw.random() < 0.5]
        shape = Shape(columns, Sorting("-created", QueryDict()), with_boxes=draw.random() < 0.5)
        context = drawn_context(draw)
        keys = [row.pk for row in draw.sample(made, 5)]
        rows = list(Snapshot.objects.filter(pk__in=keys))
        assert_same_lines(lambda: snapshots_table(context, rows, shape))

    people(write)


def test_lines_of_volumes_equal_fresh_ones(people, db):
    tags = (None, {}, {"b": "2", "a": "1"})
    made = [
        scene.volume(name, metadata=tag, seen_at=NOW - timedelta(hours=number))
        for number, (name, tag) in enumerate(product(TEXTS, tags))
    ]

    def write(draw):
        rows, several = draw.sample(made, 5), draw.random() < 0.5
        usable = {row.pk for row in rows if draw.random() < 0.5}
        assert_same_lines(lambda: volumes_table(rows, usable, several))

    people(write)


def test_lines_of_records_equal_fresh_ones(alice, volume, people):
    operation = scene.operation(alice.user, volume, state="succeeded")
    for text, status in product(TEXTS, (202, 404, None)):
        names = {"actor_name": text or "portal", "target_name": text, "ticket": text[:9]}
        scene.exchange(operation, status=status, **names)
    record(ActionCode.SNAPSHOTS_EXPORTED, details={"force": "yes", "query": TEXTS[2]})

    def write(draw):
        actions, exchanges = Action.objects.all(), Exchange.objects.select_related("answer")
        rows = [*actions, *draw.sample(list(exchanges), 5)]
        assert_same_lines(lambda: records_table(rows, "Records"))

    people(write)


FORMS = {
    OperationFilterForm: ("q", "state"),
    SnapshotFilterForm: ("q", "status", "owner", "older", "sort"),
    AuditSearchForm: ("q", "actor", "status", "since", "background"),
}


def test_fields_of_filters_equal_fresh_ones(people, db):
    def write(draw):
        form_type = draw.choice(list(FORMS))
        names = FORMS[form_type]
        typed = {name: draw.choice(TYPED) for name in names if draw.random() < 0.6}
        for name in names:
            form = form_type(QueryDict(mutable=True) | typed)
            context = {"field": form[name]}
            assert_kept_equals_fresh(
                partial(render_to_string, "_filter_field.html", context), once, "_rendered"
            )

    people(write)


def test_long_texts_do_not_fill_the_memory(alice, audrey, volume):
    for module, memory in ((once, "_rendered"), (lines, "_written")):
        getattr(module, memory).clear()
    Volume.objects.update(metadata={"long": "y" * 100_000}, folded="")
    assert volume.name in alice.get("/volumes/").text
    assert "x" * 50_000 in audrey.get("/audit/?q=" + "x" * 50_000).text
    assert len(repr(list(lines._written.items()))) < 5000
    assert "xxxxx" not in repr(list(once._rendered.items()))


def test_nobody_finds_what_another_typed(alice, bob):
    once._rendered.clear()
    assert 'value="None"' in alice.get("/requests/?q=None").text
    assert 'value="None"' not in bob.get("/requests/").text
