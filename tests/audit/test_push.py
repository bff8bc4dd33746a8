"""New rows reach every place outside at least once, in order, whatever that place does."""

import json
import random
import socket
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from receivers import CERTIFICATE, a_hook, a_log_server, rows_in
from trail_scene import action, exchange, fill

from snapshots.audit import delivery, push
from snapshots.audit.export import told_row
from snapshots.audit.horizon import TRAIL
from snapshots.audit.push import push_new_rows, state_of
from snapshots.audit.seals import rows_of
from snapshots.checks import check_push
from snapshots.models import Pushed

pytestmark = pytest.mark.django_db


def all_rows():
    return {
        (table, values[0]): told_row(table, values)
        for table in TRAIL
        for values in rows_of(table, 0)
    }


def known(rows):
    return {(row["table"], row["seq"]): row for row in rows}


def is_in_order(rows):
    return all(
        numbers == sorted(numbers)
        for numbers in ([row["seq"] for row in rows if row["table"] == table] for table in TRAIL)
    )


def push_all():
    Pushed.objects.update(retry_at=None)
    while push_new_rows():
        pass


@pytest.fixture
def hook(settings):
    with a_hook() as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"http://127.0.0.1:{server.server_port}/in?key=planted"]
        yield server


@pytest.fixture
def log_server(settings):
    with a_log_server() as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"syslog+tcp://127.0.0.1:{server.server_address[1]}"]
        yield server


def got(server):
    return [row for _key, row in server.got]


def test_a_hook_gets_every_row_once_as_an_export_spells_it(hook):
    fill(30)
    push_all()
    push_all()
    assert known(got(hook)) == all_rows()
    assert len(hook.got) == len(all_rows())
    fill(3, seed=2)
    push_all()
    assert known(got(hook)) == all_rows()
    assert len(hook.got) == len(all_rows())


def test_a_log_server_gets_rfc_5424_messages(log_server):
    fill(30)
    push_all()
    rows = rows_in(log_server.got)
    assert known(rows) == all_rows()
    assert is_in_order(rows)


def test_over_tls_only_a_trusted_log_server_gets_anything(settings):
    fill(3)
    with a_log_server(is_tls=True) as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"syslog+tls://127.0.0.1:{server.server_address[1]}"]
        push_all()
        assert not server.got
        settings.EVSPORTAL_AUDIT_CA = str(CERTIFICATE)
        push_all()
        assert known(rows_in(server.got)) == all_rows()


def test_a_file_grows_by_the_lines_of_an_export(settings, tmp_path):
    settings.EVSPORTAL_AUDIT_PUSH = [f"file:{tmp_path}/rows.jsonl"]
    fill(3)
    push_all()
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert known(json.loads(line) for line in lines) == all_rows()


def test_a_log_server_that_breaks_off_amid_a_batch_gets_it_again(log_server):
    fill(30)
    log_server.breaks_after = 7
    push_all()
    assert len(log_server.got) == 7
    assert Pushed.objects.get().upto == {}
    log_server.breaks_after = None
    push_all()
    assert known(rows_in(log_server.got)) == all_rows()


def test_what_is_refused_is_pushed_again_and_the_outage_logged_once(hook, caplog):
    fill(3)
    hook.answers = 500
    push_all()
    since = Pushed.objects.get().failing_since
    push_all()
    state = Pushed.objects.get()
    assert (state.fails, state.trouble, state.failing_since) == (2, "it answered 500", since)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    hook.answers = 204
    fill(3, seed=2)
    push_all()
    assert known(got(hook)) == all_rows()
    assert (Pushed.objects.get().fails, Pushed.objects.get().failing_since) == (0, None)
    assert "planted" not in caplog.text


def test_one_that_failed_is_left_in_peace_for_a_while(hook):
    fill(1)
    hook.answers = 500
    push_new_rows()
    before = len(hook.got)
    push_new_rows()
    assert len(hook.got) == before
    # Planned by a clock that was set back since: that pause is over.
    Pushed.objects.update(retry_at=timezone.now() + timedelta(days=1))
    push_new_rows()
    assert len(hook.got) > before


def test_one_that_hangs_or_is_not_there_keeps_nothing_from_the_others(hook, settings, monkeypatch):
    monkeypatch.setattr(delivery, "SECONDS", (0.2, 0.3))
    with socket.socket() as silent, socket.socket() as nobody:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nobody.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (silent, nobody)]
        bad = [f"syslog+tcp://127.0.0.1:{port}" for port in ports]
        settings.EVSPORTAL_AUDIT_PUSH = [*bad, *settings.EVSPORTAL_AUDIT_PUSH]
        fill(3)
        push_all()
    assert known(got(hook)) == all_rows()
    assert {state_of(target).trouble for target in bad} == {
        "TimeoutError",
        "ConnectionRefusedError",
    }


def test_a_worker_killed_before_it_noted_the_acknowledgement_repeats_and_loses_nothing(hook):
    fill(3)
    push_all()
    Pushed.objects.all().delete()
    push_all()
    assert known(got(hook)) == all_rows()
    assert len(hook.got) == 2 * len(all_rows())
    assert len({key for key, _row in hook.got}) == 1  # so that it can be told from a new one


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_lose_nothing(hook):
    fill(200)

    def work():
        push_all()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    push_all()
    assert known(got(hook)) == all_rows()


def test_batches_are_small_and_a_huge_row_still_goes(hook, monkeypatch):
    monkeypatch.setattr(push, "BYTES", 2000)
    monkeypatch.setattr(push, "ROWS_OF_A_TABLE", 5)
    fill(10)
    exchange(random.Random(99), 1, body="ß" * 500_000).save()
    push_all()
    assert known(got(hook)) == all_rows()
    keys = [key for key, _row in hook.got]
    assert len(set(keys)) > 5
    assert is_in_order(got(hook))


@pytest.mark.parametrize("text", ["line\nend\r\n", '"] <109>1 - forged', "\u202e\u2028", "\udcff"])
def test_hostile_texts_stay_in_their_message(log_server, text):
    if text == "\udcff" and connection.vendor == "postgresql":
        pytest.skip("cannot even be stored there")
    action(random.Random(1), 1, details={"a": text}).save()
    push_all()
    [told] = [one for one in rows_in(log_server.got) if one["table"] == "action"]
    assert told["details"] == {"a": text.replace("\udcff", "?")}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("syslog://log:514", "Syslog over UDP would lose rows."),
        ("http://elsewhere/secret-path", "http://elsewhere is no place"),
        ("ftp://x", "no place"),
        ("stdout", "no place"),
    ],
)
def test_a_place_that_cannot_promise_is_refused_at_start(settings, target, words):
    settings.EVSPORTAL_AUDIT_PUSH = [target]
    [error] = check_push()
    assert words in error.msg
    assert "secret-path" not in error.msg


def test_an_authority_that_is_not_there_is_told_at_start(settings):
    settings.EVSPORTAL_AUDIT_CA = "/nowhere.pem"
    assert [error.id for error in check_push()] == ["evsportal.E009"]
