"""Waking workers on PostgreSQL. Polling is so slow that only a wake-up can be seen."""

import threading
import time
from contextlib import contextmanager

import dj_database_url
import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from snapshots.jobs import wakeup
from snapshots.jobs.duties import NO_CLOUD, TIDY, start_duty
from snapshots.jobs.wakeup import CHANNEL, Listener, wake_workers
from snapshots.models import Duty, OperationState
from tests import postgres
from tests.database.pooler import new_database, pooled
from tests.operations.conftest import ask, clock, cloud, loop, sandbox
from tests.waiting import until

__all__ = ["ask", "clock", "cloud", "loop", "sandbox"]

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'")


@contextmanager
def listening():
    """An event that a listener sets; its first wake-up, for having connected, is over."""
    woken = threading.Event()
    listener = Listener(woken.set)
    listener.start()
    try:
        assert woken.wait(30)
        woken.clear()
        yield woken
    finally:
        listener.stop()
        listener.join()


@pytest.fixture
def resting(loop, settings):
    """A worker that runs and would look for work in a minute."""
    settings.EVSPORTAL_WORKER_POLL_SECONDS = 0.05

    def run():
        try:
            loop.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    duties = Duty.objects.all()
    until(lambda: duties.exists() and not duties.filter(done_at=None).exists(), seconds=30)
    settings.EVSPORTAL_WORKER_POLL_SECONDS = 60
    time.sleep(0.5)  # its short rests are over
    yield loop
    loop.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_request_wakes_a_resting_worker(resting, ask):
    operation = ask("reports")

    def is_sent():
        operation.refresh_from_db()
        return operation.state == OperationState.ACCEPTED

    until(is_sent, seconds=20)


@pytest.mark.django_db(transaction=True)
def test_duty_that_becomes_due_wakes_workers():
    with listening() as woken:
        start_duty(TIDY, NO_CLOUD, due_at=timezone.now())
        Duty.objects.update(due_at=None, owner="")
        woken.clear()
        start_duty(TIDY, NO_CLOUD, due_at=timezone.now())
        assert woken.wait(20)


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_by_a_rollback():
    with listening() as woken:
        with transaction.atomic():
            wake_workers()
            transaction.set_rollback(True)
        assert not woken.wait(0.3)
        with transaction.atomic():
            wake_workers()
            assert not woken.wait(0.3)
        assert woken.wait(20)


@pytest.fixture
def elsewhere(db, monkeypatch):
    """Makes listeners listen on another database."""

    def listen_on(url):
        other = connection.copy()
        other.settings_dict |= dj_database_url.parse(url)
        other.settings_dict["OPTIONS"] = {"connect_timeout": 3}
        monkeypatch.setattr(wakeup, "connection", other)

    return listen_on


@pytest.fixture
def server():
    server = postgres.started([])
    yield server
    server.remove()


def notify(url):
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"NOTIFY {CHANNEL}")


def test_listener_hears_again_after_a_restart(elsewhere, server):
    elsewhere(server.url)
    with listening() as woken:
        server.stop()
        assert not woken.is_set()
        server.start()
        assert woken.wait(30)  # for what it may have missed
        woken.clear()
        notify(server.url)
        assert woken.wait(20)


def test_listener_behind_a_pooler_leaves_it_to_polling(elsewhere, settings):
    with new_database("listening") as url, pooled(url) as address:
        elsewhere(address)
        settings.EVSPORTAL_DATABASE_POOLER = True
        declared = Listener(pytest.fail)
        declared.start()
        assert declared._thread is None
        settings.EVSPORTAL_DATABASE_POOLER = False
        undeclared = Listener(pytest.fail)
        undeclared.start()
        until(lambda: not undeclared._thread.is_alive(), seconds=20)
