"""An invented trail as `manage seed_load` makes it, and the pages over it."""

import re
from datetime import date
from io import StringIO
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.audit.search import newest as room
from snapshots.audit.search import query as search
from snapshots.audit.search.newest import newest
from snapshots.management.invented import texts
from snapshots.management.invented.days import Day
from snapshots.management.invented.rows import Rows
from snapshots.management.invented.world import Chance, settle
from snapshots.models import (
    Action,
    Anomaly,
    Answer,
    Entry,
    Exchange,
    Maker,
    Operation,
    Snapshot,
    Volume,
)
from snapshots.questions.figures import figures_of
from snapshots.questions.rules import Question
from tests.bench.pages import pages
from tests.bench.within import sample

LAST_DAY = date(2026, 3, 1)


def load(*args):
    out = StringIO()
    call_command("seed_load", "--unsealed", "--until", str(LAST_DAY), *args, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """3,000 exchanges and 600 snapshots for all tests here; each is undone by itself, and all of it
    in the end.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield load("--exchanges", "3000", "--snapshots", "600")
        transaction.set_rollback(True)


@pytest.fixture
def audrey(loaded, db):
    return browser_of("audrey")


def browser_of(name):
    browser = Client()
    browser.force_login(User.objects.get(username=name))
    return browser


def test_the_command_tells_what_it_loaded(loaded, db):
    told = dict(reversed(line.split()) for line in loaded.splitlines() if len(line.split()) == 2)
    here = (Exchange, Answer, Action, Operation)
    assert told["exchange"] == "3000"
    assert {model: int(told[model._meta.model_name]) for model in here} == {
        Exchange: 3000,
        Answer: Answer.objects.count(),
        # People were made and given roles and volumes besides.
        Action: Action.objects.exclude(actor_name="command line").count(),
        Operation: Operation.objects.count(),
    }
    assert 1000 < Operation.objects.count() < 2000


def test_triggers_made_an_entry_of_each_row(loaded, db):
    rows = Exchange.objects.count() + Action.objects.count() + Anomaly.objects.count()
    assert Entry.objects.count() == rows
    assert Entry.objects.filter(kind="exchange", status=202).count() == (
        Answer.objects.filter(status=202).count()
    )


def test_rows_are_numbered_in_the_order_of_time(loaded, db):
    for model in (Exchange, Answer):
        assert list(model.objects.order_by("seq")) == list(model.objects.order_by("at", "seq"))


def test_each_question_has_answers(loaded, db):
    counts = {figures.question: figures.in_all for figures in figures_of(list(Question))}
    assert all(counts.values()), counts


def test_it_can_be_sealed_and_proved(loaded, db):
    assert seal_new_rows(at_once=True)
    report = verify()
    assert report.damage is None
    assert report.rows == sum(
        model.objects.count() for model in (Exchange, Answer, Action, Anomaly)
    )


@pytest.mark.parametrize(
    "query",
    ["", f"{texts.COMMON_WORD}", f'"{texts.PHRASE}"', "status:>=400", f"cloud:{texts.OLD_CLOUD}"],
)
def test_the_list_shows_it(audrey, query):
    page = audrey.get("/audit/", {"q": query})
    assert len(page.context["page"].rows) == 50


def test_pages_of_hostile_texts_show_them_as_text(audrey):
    for text in texts.HOSTILE:
        operation = Operation.objects.filter(name=text).first()
        if operation is None:
            continue  # there are seven of them, and an operation in a thousand has one
        exchange = operation.exchanges.first()
        for path in (f"/audit/{exchange.id}/", f"/audit/?q=operation:{operation.id}"):
            page = audrey.get(path)
            assert page.status_code == 200
            assert "<script>alert" not in page.content.decode()
    assert Operation.objects.filter(name__in=texts.HOSTILE).exists()


def test_the_page_of_a_huge_answer_comes(audrey):
    answer = Answer.objects.get(body_bytes=len(texts.HUGE))
    assert texts.HUGE in audrey.get(f"/audit/{answer.exchange.id}/").content.decode()


# --- what a search finds first ---------------------------------------------------------------


def queries():
    """All that `./run bench` asks for."""
    for page in pages(sample()):
        for path in page.paths:
            if path.startswith("/audit/?"):
                yield parse_qs(urlsplit(path).query, keep_blank_values=True)["q"][0]


def walked(wanted):
    """The numbers of everything found, page after page; and whether any page was cut."""
    numbers, before, cuts = [], None, 0
    while True:
        found = newest(Entry.objects.all(), wanted, before=before, size=20)
        numbers += [entry.seq for entry in found.entries]
        cuts += found.is_cut
        if found.older is None:
            return numbers, cuts
        before = found.older


@pytest.mark.parametrize("candidates", [10_000, 100])
def test_pages_show_each_match_once_in_order(loaded, db, monkeypatch, candidates):
    """However few candidates are looked at for one page."""
    monkeypatch.setattr(room, "MOST_CANDIDATES", candidates)
    monkeypatch.setattr(room, "LEAST_CANDIDATES", 10)
    monkeypatch.setattr(room, "MOST_HITS", 2 * candidates)
    cuts = 0
    for query in dict.fromkeys(queries()):
        wanted = search.parse(query)
        matching = search.find(Entry.objects.all(), wanted).order_by("-at", "-seq")
        numbers, cut = walked(wanted)
        assert numbers == list(matching.values_list("seq", flat=True)), query
        cuts += cut
    assert (cuts > 0) == (candidates == 100)


@pytest.mark.parametrize("most", [200, 2])
def test_volumes_match_by_beginning_of_name(loaded, db, monkeypatch, most):
    """One by one, or where there are too many of them among all rows."""
    monkeypatch.setattr(room, "MOST_BRANCHES", most)
    name = texts.SYSTEMS[0]
    numbers, _cuts = walked(search.parse(f"volume:{name.upper()}"))
    rows = Entry.objects.filter(background=False, volume_name__startswith=name)
    assert numbers == list(rows.order_by("-at", "-seq").values_list("seq", flat=True))
    assert len(rows.values_list("volume_name").distinct()) > 2


def test_long_search_says_how_far_it_came(audrey, monkeypatch):
    monkeypatch.setattr(room, "MOST_CANDIDATES", 100)
    page = audrey.get("/audit/", {"q": "kind:exchange -cloud:sandbox"})
    words = page.content.decode()
    assert "Nothing found so far" in words
    assert "Look further back" in words
    assert "looked through back to" in words
    assert "Export what matches" in words
    older = page.context["page"].next
    while not page.context["page"].rows:
        page = audrey.get("/audit/", {"q": "kind:exchange -cloud:sandbox", "before": older})
        older = page.context["page"].next
    assert {row.cloud for row in page.context["page"].rows} == {texts.OLD_CLOUD}


def test_an_answer_to_a_search_reads_no_bodies(audrey, django_assert_max_num_queries):
    with CaptureQueriesContext(connection) as asked:
        audrey.get("/audit/", {"q": "kind:exchange"})
    assert not [one for one in asked.captured_queries if '"snapshots_answer"."body"' in one["sql"]]


# --- how many queries pages need -------------------------------------------------------------


PAGES = {
    "list": "/audit/?q=",
    "everything": "/audit/?q=background:yes",
    "filters": "/audit/?q=" + quote("actor:desk1 status:>=400 what:create -code:EVS.5400"),
    "volumes": f"/audit/?q=volume:{texts.SYSTEMS[0]}",
    "statuses": "/audit/?q=" + quote("status:>=400 background:yes"),
    "words": "/audit/?q=" + quote(f'{texts.COMMON_WORD} "{texts.PHRASE}" kind:exchange'),
    "operations": "/requests/",
    "open": "/requests/?state=open",
    "board": "/",
    "questions": "/audit/questions/",
    **{one.value: f"/audit/questions/{one.value}/" for one in Question},
}


@pytest.mark.parametrize("name", PAGES)
def test_lists_need_few_queries(audrey, django_assert_max_num_queries, name):
    with django_assert_max_num_queries(28 if name == "board" else 15):
        assert audrey.get(PAGES[name]).status_code == 200


def test_the_next_page_needs_few_queries(audrey, django_assert_max_num_queries):
    older = re.search(r"before=[\d-]+", audrey.get("/audit/").content.decode())[0]
    with django_assert_max_num_queries(13):
        assert audrey.get(f"/audit/?{older}").status_code == 200


def test_record_page_needs_few_queries(audrey, django_assert_max_num_queries):
    records = Exchange.objects.filter(purpose="settle").first(), Action.objects.last()
    for one in records:
        with django_assert_max_num_queries(25):
            assert audrey.get(f"/audit/{one.id}/").status_code == 200


def test_board_needs_few_queries(audrey, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        assert "Requests a day" in audrey.get("/").text


def test_a_person_s_list_needs_few_queries(loaded, db, django_assert_max_num_queries):
    browser = browser_of(Operation.objects.first().requester_name)
    with django_assert_max_num_queries(12):
        assert len(browser.get("/requests/").context["lines"]) > 10


# --- the same rows again ---------------------------------------------------------------------


def days_from(seed):
    world = settle(Chance.from_seed(seed), LAST_DAY)
    rows = Rows(world.numbers)
    for number in range(3):
        Day(world, number, rows).live(upto=200 * (number + 1), most=600)
    return rows.values


def test_the_same_seed_makes_the_same_rows(db):
    assert days_from("1") == days_from("1")
    assert days_from("1") != days_from("2")


def test_what_is_there_already_is_not_loaded_again(loaded, db):
    with pytest.raises(CommandError, match="add --yes"):
        load("--exchanges", "3000")
    with pytest.raises(CommandError, match="another --seed"):
        load("--exchanges", "3000", "--yes")


def test_another_seed_loads_beside_what_is_there(loaded, db):
    load("--exchanges", "100", "--seed", "2", "--yes")
    assert Exchange.objects.count() == 3100


def test_load_after_a_killed_one_makes_the_indexes_again(loaded, db):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX entry_unanswered")
        load("--exchanges", "100", "--seed", "3", "--yes")
        names = connection.introspection.get_constraints(cursor, Entry._meta.db_table)
    assert {index.name for index in Entry._meta.indexes} <= set(names)


# --- only in the sandbox ---------------------------------------------------------------------


@pytest.mark.parametrize("told", [{"EVSPORTAL_MODE": "cloud"}, {"EVSPORTAL_CLOUDS": "clouds.yaml"}])
def test_beside_a_real_cloud_nothing_is_invented(db, settings, told):
    for name, value in told.items():
        setattr(settings, name, value)
    before = Exchange.objects.count()
    with pytest.raises(CommandError, match="sandbox"):
        load("--exchanges", "10")
    assert Exchange.objects.count() == before


@pytest.mark.parametrize("number", ["0", "many", "20000001"])
def test_a_number_that_makes_no_sense_is_refused(db, number):
    with pytest.raises(CommandError, match="1 to 20000000"):
        load("--exchanges", number)


def test_snapshots_are_loaded_beside_the_trail(loaded, db):
    rows = Snapshot.objects.all()
    assert rows.count() == 600
    made_here = rows.filter(maker=Maker.PORTAL)
    assert 0 < made_here.count() <= 200
    assert not made_here.filter(operation=None).exists()
    assert Volume.objects.filter(gone_at=None).count() >= 60
