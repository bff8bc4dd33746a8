"""Auditors find what they look for, are told what cannot be answered, and are themselves seen."""

import io
import json
import uuid
import zipfile
from datetime import UTC, datetime

import pytest

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.models import Action, ActionCode, Entry, Purpose
from tests import factories as scene

PAGE = "/audit/"


def urls(answer):
    return [one.url for one in answer.context["page"].rows if hasattr(one, "url")]


@pytest.fixture
def two(operation, bob):
    """What is looked for, and something else of everything."""
    operation.ticket = "CHG123"
    operation.save()
    other = scene.operation(bob.user, scene.volume("mail"), state="accepted")
    wanted = scene.exchange(
        operation,
        url="https://x/wanted",
        status=404,
        ticket="CHG123",
        on_behalf_of="carol",
        at=datetime(2026, 5, 2, 12, tzinfo=UTC),
        cause=uuid.UUID(int=5),
        body='{"snapshot": {"name": "quarterly closing"}}',
    )
    scene.exchange(other, url="https://x/other", at=datetime(2026, 5, 4, tzinfo=UTC))
    return wanted


@pytest.mark.parametrize(
    "query",
    [
        "actor:alice",
        'actor:"alice"',
        "-actor:bob kind:exchange",
        "for:carol",
        "ticket:CHG123",
        "volume:web-01",
        "status:404",
        "status:4xx",
        "status:>=400",
        "-status:<400 kind:exchange",
        "kind:exchange what:create before:2026-05-03",
        "since:2026-05-02 until:2026-05-02",
        "on:2026-05-02",
        f"cause:{uuid.UUID(int=5)}",
        "quarterly",
        '"quarterly closing"',
        '"https://x/wanted"',
        "https://x/wanted",
        'alice actor:alice "closing" status:4xx'.replace("alice actor", "quarterly actor"),
    ],
)
def test_each_qualifier_finds_it_and_not_the_other(query, audrey, two):
    assert urls(audrey.get(PAGE, {"q": query})) == ["https://x/wanted"]


def test_by_volume_id_operation_and_code(audrey, operation, two):
    from snapshots.models import Answer

    assert urls(audrey.get(PAGE, {"q": f"volume:{operation.volume_id}"})) == ["https://x/wanted"]
    assert urls(audrey.get(PAGE, {"q": f"operation:{str(operation.pk)[:8]}"})) == [
        "https://x/wanted"
    ]
    late = scene.exchange(operation, status=-1, url="https://x/refused")
    Answer.objects.create(
        exchange=late, at=late.at, elapsed_ms=1, status=400, code="EVS.5400", body="{}"
    )
    assert urls(audrey.get(PAGE, {"q": "code:evs.5400"})) == ["https://x/refused"]


def test_volume_finds_snapshots_of_its_operations(audrey, operation, two):
    facts = {"target_kind": "snapshot", "target_id": "5f6e", "target_name": "Nightly 7"}
    scene.exchange(operation, url="https://x/snapshot", **facts)
    scene.exchange(url="https://x/alone", **facts)
    on_volume = ["https://x/snapshot", "https://x/wanted"]
    assert urls(audrey.get(PAGE, {"q": "volume:web-01"})) == on_volume
    assert urls(audrey.get(PAGE, {"q": f"volume:{operation.volume_id}"})) == on_volume
    for query in ("target:nightly", "target:5f6e", '"nightly 7"'):
        found = urls(audrey.get(PAGE, {"q": f"{query} background:yes"}))
        assert found == ["https://x/alone", "https://x/snapshot"], query


def test_no_answer_is_found(audrey, operation, two):
    scene.exchange(operation, status=None, url="https://x/silent")
    assert urls(audrey.get(PAGE, {"q": "status:none"})) == ["https://x/silent"]
    assert urls(audrey.get(PAGE, {"q": "code:Timeout"})) == ["https://x/silent"]


def test_background_is_hidden_unless_asked_for(audrey, two):
    scene.exchange(None, background=True, purpose=Purpose.WATCH, url="https://x/watch")
    assert "https://x/watch" not in urls(audrey.get(PAGE, {"q": "kind:exchange"}))
    assert "https://x/watch" in urls(audrey.get(PAGE, {"q": "kind:exchange background:yes"}))
    assert urls(audrey.get(PAGE, {"q": "kind:exchange background:only"})) == ["https://x/watch"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("nobody:alice", "There is no “nobody:”"),
        ("status:abc", "status: takes"),
        ("status:>=4x0", "status: takes"),
        ("before:yesterday", "before: takes a day"),
        ("until:9999-12-31", "until: takes an earlier day"),
        ("kind:thing", "kind: takes"),
        ("what:thing", "what: does not know"),
        ("cause:7", "cause: takes the whole id"),
        ("background:maybe", "background: takes"),
        ('actor:"alice', "A quotation mark is open"),
        ('actor:""', "needs a value"),
        ('-"text"', "Free text cannot be left out"),
        ("a " * 21, "at most 20 terms"),
        ("term " * 10_000, "characters"),
    ],
)
def test_what_cannot_be_answered_is_said_and_shows_nothing(query, words, audrey, two):
    answer = audrey.get(PAGE, {"q": query})
    assert answer.status_code == 200
    assert words in answer.text
    assert answer.context["page"].rows == []
    assert Action.objects.latest("seq").code == ActionCode.AUDIT_SEARCH_REFUSED


@pytest.mark.parametrize(
    "query",
    [
        '" OR 1=1 --"',
        "'; DROP TABLE snapshots_entry; --",
        "NEAR(a b) AND (",
        "a* OR b",
        "text:^x",
        "%_\\",
        "\u202e\u2400",
        '"' + "a " * 300 + '"',
        "🎉",
        "-",
        "*",
    ],
)
def test_hostile_text_is_text(query, audrey, two):
    answer = audrey.get(PAGE, {"q": query})
    assert answer.status_code == 200
    assert urls(answer) == []
    assert Entry.objects.exists()


def test_an_action_has_its_sentence_and_its_page(audrey, alice, operation):
    done = Action.objects.filter(code=ActionCode.SIGNED_IN, actor=alice.user).first()
    assert done is not None
    page = audrey.get(PAGE, {"q": "actor:alice what:session"}).text
    assert "signed in" in page
    shown = audrey.get(f"/audit/{done.id}/").text
    for words in ("alice", "signed in", "staff", "session:sign-in"):
        assert words in shown


def test_records_of_one_click_link_to_each_other(audrey, operation):
    cause = uuid.uuid4()
    asked = Action.objects.create(
        at=operation.asked_at,
        code=ActionCode.OPERATION_ASKED,
        cause=cause,
        actor_name="alice",
        operation=operation,
    )
    sent = scene.exchange(operation, cause=cause)
    assert f"/audit/{sent.id}/" in audrey.get(f"/audit/{asked.id}/").text
    assert f"/audit/{asked.id}/" in audrey.get(f"/audit/{sent.id}/").text


def test_looking_is_recorded(audrey, two):
    audrey.get(PAGE, {"q": "actor:alice"})
    audrey.get(f"/audit/{two.id}/")
    read, searched = Action.objects.order_by("-seq")[:2]
    assert (read.code, read.subject) == (ActionCode.AUDIT_READ, str(two.id))
    assert (searched.code, searched.details) == (
        ActionCode.AUDIT_SEARCHED,
        {"query": "actor:alice"},
    )
    assert searched.actor_name == "audrey"
    assert "searched the audit trail" not in audrey.get(PAGE).text
    assert "searched the audit trail" in audrey.get(PAGE, {"background": "on"}).text


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}export/"])
def test_search_for_a_password_does_not_record_it(path, audrey, two):
    answer = audrey.get(path, {"q": "volume:x password=hunter22secret"})
    if answer.streaming:
        assert b"hunter22secret" not in answer.getvalue()
    told = Action.objects.latest("seq")
    assert told.details["query"] == "(left out: it looked like a password or a key)"
    assert not Entry.objects.filter(text__contains="hunter22").exists()


@pytest.mark.parametrize(
    "word", ["cloudsnapshots", "example", "v2", "web01", "123", "corp", '"evs eu"', "CHG-123"]
)
def test_words_within_addresses_and_names_are_found(word, audrey, operation):
    url = (
        "https://evs.eu.example.com/v2/abc/cloudsnapshots/9?name=x.web01&by=u@corp.org&ref=CHG-123"
    )
    scene.exchange(operation, url=url)
    assert urls(audrey.get(PAGE, {"q": word})) == [url]


def test_click_is_found_with_its_background(audrey, operation):
    cause = uuid.UUID(int=7)
    for background in (True, False):
        url = f"https://x/{background}"
        scene.exchange(operation, url=url, cause=cause, background=background)
    for query, found in [
        (f"cause:{cause}", 2),
        (f"background:no cause:{cause}", 1),
        (f"-cause:{uuid.UUID(int=8)}", 1),
    ]:
        assert len(urls(audrey.get(PAGE, {"q": query}))) == found, query


def test_everything_a_person_types_is_shown_as_text(audrey, operation):
    evil = "<script>alert(1)</script>\u202e"
    sent = scene.exchange(operation, target_name=evil, actor_name=evil, ticket=evil, body=evil)
    done = Action.objects.create(
        at=sent.at,
        code=ActionCode.SIGNED_IN,
        cause=uuid.uuid4(),
        actor_name=evil,
        subject=evil,
        details={"why": evil},
    )
    for address in (PAGE, f"/audit/{sent.id}/", f"/audit/{done.id}/"):
        page = audrey.get(address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_tampered_index_shows_no_invented_row(audrey, two):
    Entry.objects.filter(record=two.id).update(actor_name="mallory", volume_name="none")
    page = audrey.get(PAGE, {"q": "actor:mallory"})
    assert urls(page) == ["https://x/wanted"]
    assert ">mallory<" not in page.text


# --- taking it out ---------------------------------------------------------------------------


def bundle(answer):
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


@pytest.mark.django_db(transaction=True)
def test_what_matches_can_be_exported_and_that_is_recorded(audrey, two):
    seal_new_rows(at_once=True)
    answer = audrey.get(f"{PAGE}export/", {"q": "actor:alice kind:exchange", "csv": "1"})
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    with bundle(answer) as files:
        manifest = json.loads(files.read("manifest.json"))
        rows = [json.loads(one) for one in files.read("rows.jsonl").splitlines()]
        assert b"https://x/wanted" in files.read("exchange.csv")
    assert (manifest["complete"], manifest["made_by"]) == (False, "audrey")
    assert [row["url"] for row in rows if row["table"] == "exchange"] == ["https://x/wanted"]
    done = Action.objects.filter(code=ActionCode.AUDIT_EXPORTED).get()
    assert done.details == {"query": "actor:alice kind:exchange"}


@pytest.mark.django_db(transaction=True)
def test_everything_can_be_exported(audrey, two):
    seal_new_rows(at_once=True)
    with bundle(audrey.get(f"{PAGE}export/")) as files:
        assert json.loads(files.read("manifest.json"))["complete"] is True


def test_invalid_export_returns_to_the_page(audrey):
    answer = audrey.get(f"{PAGE}export/", {"q": "nobody:x"})
    assert answer.headers["Location"] == f"{PAGE}?q=nobody%3Ax"
