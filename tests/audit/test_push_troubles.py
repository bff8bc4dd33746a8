"""Whatever a place outside or a worker does amid pushing, each row arrives at least once."""

import random
import threading
import time
from datetime import timedelta

import portal_process
import pytest
from django.db import connection, transaction
from django.utils import timezone
from push_scene import all_rows, got, is_in_order, keys_of, push_all, rows_by_key
from receivers import a_hook, a_log_server, nobody, rows_in, somebody_silent
from trail_scene import action, fill

from snapshots.audit.database.settled import WritersBusyError
from snapshots.audit.delivery import push, transport
from snapshots.audit.delivery.duties import push as push_duty
from snapshots.audit.delivery.push import digest_of, push_new_rows, state_of
from snapshots.jobs.claims import LostClaimError, claim
from snapshots.jobs.duties import PUSH, start_duty
from snapshots.models import Duty, Pushed


@pytest.fixture
def hook(settings):
    with a_hook() as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"http://127.0.0.1:{server.server_port}/in?key=planted"]
        yield server


@pytest.fixture
def target(hook, settings):
    return settings.EVSPORTAL_AUDIT_PUSH[0]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(transport, "READ_SECONDS", 0.3)
    monkeypatch.setattr(transport, "WHOLE_SECONDS", 0.8)


@pytest.mark.django_db
def test_broken_syslog_batch_is_sent_again(settings):
    fill(30)
    with a_log_server() as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"syslog+tcp://127.0.0.1:{server.server_address[1]}"]
        server.breaks_after = 7
        push_all()
        assert len(server.got) == 7
        assert Pushed.objects.get().upto == {}
        server.breaks_after = None
        push_all()
    assert rows_by_key(rows_in(server.got)) == all_rows()


@pytest.mark.django_db
def test_cut_hook_gets_same_batch_and_key(hook):
    """It may have kept the rows: what came meanwhile must not make of them another batch."""
    fill(3)
    hook.acts = lambda handler: handler.connection.close()
    push_all()
    assert Pushed.objects.get().trouble == "it broke off"
    first = rows_by_key(got(hook))
    fill(3, seed=2)
    hook.acts = None
    push_all()
    item, again, other = keys_of(hook)
    assert item == again != other
    assert rows_by_key(row for key, row in hook.got if key == item) == first
    assert rows_by_key(got(hook)) == all_rows()


@pytest.mark.django_db
def test_refused_batch_is_repeated_and_logged_once(hook, caplog):
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
    assert rows_by_key(got(hook)) == all_rows()
    assert (Pushed.objects.get().fails, Pushed.objects.get().failing_since) == (0, None)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "planted" not in caplog.text


@pytest.mark.django_db
def test_of_an_answer_only_the_status_counts(hook):
    fill(1)
    hook.acts = lambda handler: handler.wfile.write(b"hello?\r\n\r\n")
    push_all()
    assert Pushed.objects.get().trouble == "its answer is no HTTP"
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000
    hook.acts = lambda handler: handler.wfile.write(body)
    push_all()
    assert Pushed.objects.get().failing_since is None


@pytest.mark.django_db
def test_a_redirect_is_no_acknowledgement(hook):
    fill(1)
    hook.answers = 307
    push_all()
    assert Pushed.objects.get().trouble == "it answered 307"
    assert len(hook.seen) == 1


@pytest.mark.django_db
def test_failed_target_is_not_tried_during_its_pause(hook, target):
    fill(1)
    hook.answers = 500
    push_new_rows(target)
    before = len(hook.got)
    push_new_rows(target)
    assert len(hook.got) == before
    # Planned by a clock that was set back since: that pause is over.
    Pushed.objects.update(retry_at=timezone.now() + timedelta(days=1))
    push_new_rows(target)
    assert len(hook.got) > before


def drip(handler):
    """A header that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.django_db
def test_hanging_target_is_given_up_in_time(hook, target, settings, impatient):
    fill(3)
    hook.acts = drip
    with somebody_silent() as silent, nobody() as closed:
        settings.EVSPORTAL_AUDIT_PUSH = [
            target,
            f"http://127.0.0.1:{silent}/",
            f"syslog+tcp://127.0.0.1:{silent}",
            f"syslog+tls://127.0.0.1:{silent}",
            f"syslog+tcp://127.0.0.1:{closed}",
        ]
        started = time.monotonic()
        push_all()
        assert time.monotonic() - started < 4
    assert [state_of(item).trouble for item in settings.EVSPORTAL_AUDIT_PUSH] == [
        *["it does not answer in time"] * 4,
        "nobody listens there",
    ]


@pytest.mark.django_db
def test_returning_target_gets_all_rows_in_order(hook, target, monkeypatch):
    monkeypatch.setattr(push, "ROWS_OF_A_TABLE", 7)
    hook.answers = 503
    for seed in range(5):
        fill(10, seed=seed)
        push_all()
    hook.answers, before = 200, len(hook.got)
    push_all()
    rows = got(hook)[before:]
    assert rows_by_key(rows) == all_rows()
    assert len(rows) == len(all_rows())
    assert is_in_order(rows)


@pytest.mark.django_db
def test_archived_batch_does_not_block_the_next(hook, target):
    fill(3)
    push_all()
    count = len(hook.got)
    done = Pushed.objects.get().upto
    Pushed.objects.update(trying=done)
    fill(3, seed=2)
    push_all()
    assert len(hook.got) > count
    assert rows_by_key(got(hook)) == all_rows()


KILLED_BEFORE_IT_NOTES = """
import os, signal, sys
import django
django.setup()
from snapshots.audit.delivery.push import push_new_rows
times = []
def fence():
    times.append(1)
    if len(times) == 2:  # the first note is what it tries, the second what was taken
        os.kill(os.getpid(), signal.SIGKILL)
push_new_rows(sys.argv[1], fence=fence)
"""


@pytest.mark.django_db(transaction=True)
def test_killed_worker_repeats_and_loses_nothing(hook, target):
    fill(3)
    first = all_rows()
    ended = portal_process.python(KILLED_BEFORE_IT_NOTES, target, EVSPORTAL_AUDIT_PUSH=target)
    assert ended.returncode == -9, ended.stderr
    assert rows_by_key(got(hook)) == first
    assert Pushed.objects.get().upto == {}
    fill(3, seed=2)
    push_all()
    assert rows_by_key(got(hook)) == all_rows()
    item, again, _other = keys_of(hook)
    assert item == again
    assert len(hook.got) == len(first) + len(all_rows())


def claimed(owner):
    return claim(Duty.objects.filter(kind=PUSH), owner=owner, lease=timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_claim_notes_nothing(hook, target):
    """It was frozen while the place took the batch, and another has gone on since."""
    fill(3)
    start_duty(PUSH, digest_of(target), due_at=timezone.now())
    duty = claimed("one")

    def meanwhile(handler):
        Duty.objects.update(due_at=timezone.now())  # the lease is over
        claimed("another")
        connection.close()
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    hook.acts = meanwhile
    with pytest.raises(LostClaimError):
        push_duty(duty)
    assert Pushed.objects.get().upto == {}
    hook.acts = None
    push_duty(Duty.objects.get(owner="another"))
    assert Pushed.objects.get().failing_since is None
    assert rows_by_key(got(hook)) == all_rows()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_lose_nothing(hook, target):
    fill(200)
    together = threading.Barrier(2)

    def work():
        first = [together] if connection.vendor == "postgresql" else []  # SQLite has one writer

        def fence():
            if first:  # neither may find what the other noted
                first.pop().wait(20)

        try:
            while push_new_rows(target, fence=fence):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    push_all()
    assert rows_by_key(got(hook)) == all_rows()


@pytest.mark.django_db
def test_target_removed_from_settings_rests(hook, target, settings):
    start_duty(PUSH, digest_of(target), due_at=timezone.now())
    settings.EVSPORTAL_AUDIT_PUSH = []
    push_duty(Duty.objects.get())
    assert Duty.objects.get().due_at is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_late_commit_is_never_skipped(hook, target):
    """It has the lower number, and is still on its way when the higher one is there."""
    drawn, go_on = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            action(random.Random(1), 1).save()
            drawn.set()
            go_on.wait(20)
        connection.close()

    late = threading.Thread(target=slowly)
    late.start()
    assert drawn.wait(20)
    action(random.Random(2), 2).save()
    with pytest.raises(WritersBusyError):
        push_new_rows(target)
    assert not hook.got
    go_on.set()
    late.join(20)
    push_all()
    assert rows_by_key(got(hook)) == all_rows()
    assert len(all_rows()) == 2
