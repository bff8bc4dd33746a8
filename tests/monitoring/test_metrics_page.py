"""/metrics: who may read it, and that its figures are those of the tables."""

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots import tallies
from snapshots.audit.record import actions
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.models import (
    ActionCode,
    CloudHealth,
    Duty,
    ExchangeTally,
    OperationTally,
    Pushed,
    SignInAttempt,
    Worker,
)
from snapshots.monitoring.checks import check_metrics_token
from snapshots.operations.stopping import cancel_operation
from tests import factories as scene
from tests.monitoring.conftest import TOKEN, samples_of

pytestmark = pytest.mark.django_db


def ago(**units):
    return timezone.now() - timedelta(**units)


def test_there_is_no_page_without_a_token(client):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "sent", ["", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer tökén"]
)
def test_other_tokens_are_refused_without_a_figure(client, token, sent):
    answer = client.get("/metrics", headers={"Authorization": sent})
    assert (answer.status_code, answer["WWW-Authenticate"], answer.content) == (401, "Bearer", b"")


def test_signed_in_people_are_refused_too(client, token, audrey):
    client.force_login(audrey)
    assert client.get("/metrics").status_code == 401


@pytest.mark.parametrize(
    ("value", "errors"), [("", 0), ("x" * 32, 0), ("x" * 31, 1), ("é" * 40, 1)]
)
def test_token_that_can_be_guessed_stops_the_start(settings, value, errors):
    settings.EVSPORTAL_METRICS_TOKEN = value
    assert [error.id for error in check_metrics_token()] == ["evsportal.E070"] * errors


def test_unfinished_operations_by_kind_and_state(scrape, alice):
    volume = scene.volume()
    scene.operation(alice, volume, ago_seconds=600)
    scene.operation(alice, volume, ago_seconds=60)
    scene.operation(alice, scene.volume("b"), kind="delete", state="accepted")
    scene.operation(alice, scene.volume("c"), state="unknown", ago_seconds=300)
    scene.operation(alice, volume, state="succeeded")
    values = scrape()
    assert values["evsportal_operations", "create", "queued"] == 2
    assert values["evsportal_operations", "delete", "accepted"] == 1
    assert values["evsportal_operations", "create", "unknown"] == 1
    assert values["evsportal_operations", "rollback", "queued"] == 0
    assert ("evsportal_operations", "create", "succeeded") not in values
    assert 600 <= values["evsportal_oldest_queued_age_seconds", "sandbox"] < 660
    assert 300 <= values["evsportal_oldest_unknown_age_seconds",] < 360


def test_nothing_waits(scrape):
    values = scrape()
    assert values["evsportal_oldest_queued_age_seconds", "sandbox"] == 0
    assert values["evsportal_oldest_unknown_age_seconds",] == 0


def test_ended_operations_are_counted_where_they_end(
    scrape, alice, django_capture_on_commit_callbacks
):
    operation = scene.operation(alice, scene.volume())
    with django_capture_on_commit_callbacks(execute=True):
        cancel_operation(operation=operation, person=alice)
    assert scrape().get(("evsportal_operations_ended_total", "create", "cancelled")) is None
    # It is written behind that answer.
    assert scrape()["evsportal_operations_ended_total", "create", "cancelled"] == 1


def test_counts_of_processes_are_added_up(scrape):
    for milliseconds in (40, 50, 51, 90_000):
        tallies.count_exchange(cloud="sandbox", code="200", milliseconds=milliseconds)
    tallies.write_tallies()
    tallies.count_exchange(cloud="sandbox", code="200", milliseconds=40)
    tallies.count_exchange(cloud="sandbox", code="Timeout", milliseconds=60_000)
    tallies.write_tallies()
    tallies.write_tallies()
    values = scrape()
    assert values["evsportal_exchanges_total", "sandbox", "200"] == 5
    assert values["evsportal_exchanges_total", "sandbox", "Timeout"] == 1
    assert values["evsportal_exchange_seconds_bucket", "sandbox", "0.05"] == 3
    assert values["evsportal_exchange_seconds_bucket", "sandbox", "0.1"] == 4
    assert values["evsportal_exchange_seconds_bucket", "sandbox", "60.0"] == 5
    assert values["evsportal_exchange_seconds_bucket", "sandbox", "+Inf"] == 6
    assert values["evsportal_exchange_seconds_count", "sandbox"] == 6
    assert values["evsportal_exchange_seconds_sum", "sandbox"] == pytest.approx(150.181)


def test_counts_survive_a_database_that_is_away(monkeypatch, django_assert_num_queries):
    def gone(_work):
        raise OperationalError("no such host")

    tallies.count_operation(kind="create", state="failed")
    with monkeypatch.context() as away:
        away.setattr(tallies, "in_transaction", gone)
        with pytest.raises(OperationalError):
            tallies.write_tallies()
    tallies.count_operation(kind="create", state="failed")
    tallies.write_tallies()
    assert OperationTally.objects.get().count == 2
    with django_assert_num_queries(0):
        tallies.write_tallies()


def test_state_of_a_cloud(scrape):
    CloudHealth.objects.create(
        cloud="sandbox", failing_since=ago(minutes=5), retry_at=timezone.now()
    )
    CloudHealth.objects.create(cloud="left-the-settings", failing_since=ago(days=9))
    attempt = {"credentials": "a", "cloud": "sandbox", "tried_at": ago(minutes=2)}
    SignInAttempt.objects.create(refusals=1, **attempt)
    values = scrape()
    assert values["evsportal_cloud_breaker_open", "sandbox"] == 1
    assert 300 <= values["evsportal_cloud_failing_age_seconds", "sandbox"] < 360
    assert 120 <= values["evsportal_cloud_sign_in_refused_age_seconds", "sandbox"] < 180
    assert not any("left-the-settings" in series for series in values)


def test_duties_of_this_portal_and_no_others(scrape, settings):
    settings.EVSPORTAL_AUDIT_PUSH = ["https://user:secret@log.example.org/hook/secret"]
    from snapshots.audit.delivery.push import digest_of

    lane = digest_of(settings.EVSPORTAL_AUDIT_PUSH[0])
    for kind, cloud in (("watch", "sandbox"), ("watch", "old"), ("seal", ""), ("push", lane)):
        name = f"{kind}:{cloud}"
        Duty.objects.create(name=name, kind=kind, cloud=cloud, done_at=ago(minutes=3))
    Duty.objects.create(name="tidy:", kind="tidy", trouble_code="WritersBusyError")
    values = scrape()
    assert 180 <= values["evsportal_duty_age_seconds", "watch", "sandbox"] < 240
    assert 180 <= values["evsportal_duty_age_seconds", "seal", ""] < 240
    assert 180 <= values["evsportal_duty_age_seconds", "push", "https://log.example.org"] < 240
    assert ("evsportal_duty_age_seconds", "tidy", "") not in values
    assert values["evsportal_duty_in_trouble", "tidy", ""] == 1
    assert not any("old" in series or "secret" in str(series) for series in values)


def test_duty_that_nobody_takes_is_late(scrape):
    for kind, due_at in (("watch", None), ("seal", ago(minutes=7)), ("tidy", ago(minutes=-7))):
        Duty.objects.create(name=kind, kind=kind, due_at=due_at, done_at=ago(days=1))
    Duty.objects.create(name="i", kind="inventory", cloud="sandbox", due_at=ago(minutes=7))
    values = scrape()
    assert 420 <= values["evsportal_duty_late_seconds", "seal", ""] < 480
    assert 420 <= values["evsportal_duty_late_seconds", "inventory", "sandbox"] < 480
    assert values["evsportal_duty_late_seconds", "watch", ""] == 0  # nothing is to be watched
    assert values["evsportal_duty_late_seconds", "tidy", ""] == 0
    CloudHealth.objects.create(cloud="sandbox", retry_at=timezone.now())
    assert scrape()["evsportal_duty_late_seconds", "inventory", "sandbox"] == 0


def test_seals_and_push(scrape, settings, alice):
    settings.EVSPORTAL_AUDIT_PUSH = ["file:/tmp/rows.jsonl"]
    from snapshots.audit.delivery.push import digest_of

    for _ in range(3):
        actions.record(ActionCode.SIGNED_IN, actor=alice)
    target = digest_of(settings.EVSPORTAL_AUDIT_PUSH[0])
    values = scrape()
    rows = values["evsportal_seal_unsealed_rows",]
    assert rows >= 3
    assert values["evsportal_push_rows_behind", "file:/tmp/rows.jsonl"] >= 3
    assert 0 < values["evsportal_seal_lag_seconds",] < 60
    seal_new_rows(at_once=True)
    last = actions.record(ActionCode.SIGNED_OUT, actor=alice)
    Pushed.objects.create(target=target, upto={"action": last.seq - 1}, failing_since=ago(hours=1))
    values = scrape()
    assert values["evsportal_seal_unsealed_rows",] == 1
    assert values["evsportal_push_rows_behind", "file:/tmp/rows.jsonl"] == 1
    assert 3600 <= values["evsportal_push_failing_age_seconds", "file:/tmp/rows.jsonl"] < 3660


def test_last_verification_counts(scrape):
    assert ("evsportal_verification_sound",) not in scrape()
    actions.record(ActionCode.AUDIT_VERIFIED)
    values = scrape()
    assert values["evsportal_verification_sound",] == 1
    assert 0 <= values["evsportal_verification_age_seconds",] < 60
    actions.record(ActionCode.AUDIT_FOUND_BAD)
    assert scrape()["evsportal_verification_sound",] == 0


def test_workers_that_live(scrape):
    for name, seconds in (("a", 1), ("b", 2), ("c", 60)):
        Worker.objects.create(name=name, started_at=ago(hours=1), seen_at=ago(seconds=seconds))
    assert scrape()["evsportal_workers_alive",] == 2


def test_answers_by_view_and_status(scrape, client):
    client.get("/accounts/login/")
    client.get(f"/requests/{uuid.uuid4()}/")
    client.get("/no-such-page/")
    values = scrape()
    assert values["evsportal_http_requests_total", "2xx", "login"] == 1
    assert values["evsportal_http_requests_total", "3xx", "snapshots:detail"] == 1
    assert values["evsportal_http_requests_total", "4xx", "none"] == 1
    assert values["evsportal_http_request_seconds_count", "login"] == 1
    assert values["evsportal_http_request_seconds_sum", "login"] > 0


def test_refusals_are_counted_also_where_the_trail_folds_them(scrape, client):
    for _ in range(12):
        client.post("/accounts/login/", {"username": "mallory", "password": "wrong"})
    assert scrape()["evsportal_refusals_total", "session:sign-in:refused"] >= 5


def test_page_names_no_person_no_volume_and_no_secret(client, token, alice, settings):
    volume = scene.volume("planted-volume")
    operation = scene.operation(alice, volume, name="planted-snapshot")
    scene.exchange(operation)
    client.post("/accounts/login/", {"username": "planted-person", "password": "planted-word"})
    client.get("/snapshots/?q=planted-search")
    text = client.get("/metrics", headers=token).text
    for word in ("planted", "alice", volume.volume_id, str(operation.pk), TOKEN):
        assert word not in text


def test_without_a_database_the_rest_is_told(client, token, monkeypatch):
    def gone():
        raise OperationalError("no such host")

    client.get("/accounts/login/")
    monkeypatch.setattr("snapshots.monitoring.exposition.read_all", gone)
    text = client.get("/metrics", headers=token).text
    assert "evsportal_database_up 0.0" in text
    assert 'evsportal_http_requests_total{status="2xx",view="login"} 1.0' in text


def series_of(answer):
    """Their names, without those that a scrape itself adds."""
    return {key for key in samples_of(answer.text) if "snapshots:metrics" not in key}


def test_figures_are_read_once_a_second_by_few_queries(client, token, alice):
    for number in range(30):
        scene.operation(alice, scene.volume(f"v{number}"))
        ExchangeTally.objects.create(cloud="sandbox", code=str(number), bucket=1, count=1)
    with CaptureQueriesContext(connection) as queries:
        first = client.get("/metrics", headers=token)
    assert len(queries) <= 45
    tables = " ".join(query["sql"] for query in queries)
    assert 'COUNT(*) AS "__count" FROM "snapshots_exchange"' not in tables
    with CaptureQueriesContext(connection) as queries:
        second = client.get("/metrics", headers=token)
    assert len(queries) == 0
    assert series_of(second) == series_of(first)
