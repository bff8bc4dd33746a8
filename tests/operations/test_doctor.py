"""`manage doctor`: each trouble is a sentence with what to do, and in the exit status."""

import io
import json
import random
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from snapshots import clouds
from snapshots.audit.database import guards
from snapshots.audit.delivery import push
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.jobs.duties import INVENTORY, SERVERS, start_duty
from snapshots.management.checkup import machine
from snapshots.management.checkup.outside import look_at_certificate
from snapshots.models import (
    Action,
    CloudHealth,
    Duty,
    Exchange,
    Operation,
    Pushed,
    Worker,
    mark_database,
)
from tests.audit.trail_scene import action, exchange


@pytest.fixture
def healthy(transactional_db, cloud, settings):
    """A portal that works, whose tests' folder is not open to everybody."""
    settings.VAR_DIR.chmod(0o700)
    now = timezone.now()
    Worker.objects.create(name="node:1:a", started_at=now, seen_at=now)
    start_duty(INVENTORY, "sandbox", due_at=now)
    mark_database("sandbox")


def doctor(*options):
    """The exit status, and the findings that are not good, as one text each."""
    output = io.StringIO()
    try:
        call_command("doctor", "--json", *options, stdout=output)
        status = 0
    except SystemExit as end:
        status = end.code
    verdict = json.loads(output.getvalue())
    assert verdict["status"] == status
    bad = [one for one in verdict["findings"] if one["level"] != "ok"]
    assert all(one["todo"] for one in bad)
    return status, [f"{one['area']}: {one['text']}" for one in bad]


def test_healthy_portal_is_told_so_line_by_line(healthy):
    output = io.StringIO()
    call_command("doctor", stdout=output)
    lines = output.getvalue().splitlines()
    assert {line[:8].strip() for line in lines} == {"ok"}
    areas = {line[8:].partition(":")[0].strip() for line in lines}
    assert areas >= {"settings", "database", "disk", "workers", "duties", "requests", "trail"}
    assert "cloud sandbox" in areas


def test_silent_worker_is_wrong(healthy):
    seen_at = timezone.now() - timedelta(minutes=1)
    Worker.objects.update(seen_at=seen_at)
    status, (finding,) = doctor()
    assert status == 2
    assert f"No worker was seen since {seen_at:%Y-%m-%d %H:%M}" in finding


def test_late_duty_is_wrong_and_of_a_dead_cloud_a_warning(healthy):
    Duty.objects.update(due_at=timezone.now() - timedelta(minutes=30))
    assert doctor() == (2, ["duties: The duty inventory of sandbox is 30 minutes late."])
    CloudHealth.objects.update_or_create(
        cloud="sandbox", defaults={"retry_at": timezone.now(), "trouble_code": "unreachable"}
    )
    findings = doctor("--no-clouds")[1]
    assert "duties: The duty inventory of sandbox is 30 minutes late." in findings
    assert any("sandbox does not answer" in finding for finding in findings)


def test_duty_that_went_wrong_is_a_warning(healthy):
    Duty.objects.update(trouble_code="EVS.5400")
    status, (finding,) = doctor()
    assert status == 1
    assert "went wrong last time: EVS.5400" in finding


def test_names_that_may_not_be_read_are_no_warning(healthy):
    start_duty(SERVERS, "sandbox", due_at=timezone.now())
    Duty.objects.filter(kind=SERVERS).update(trouble_code="Forbidden")
    assert doctor() == (0, [])


def test_request_that_waits_for_long_is_named(healthy, ask):
    operation = ask("reports")
    assert doctor() == (0, [])
    Operation.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    status, (finding,) = doctor()
    assert status == 1
    assert str(operation.pk) in finding


def test_request_of_unknown_outcome_is_named(healthy, ask):
    operation = ask("reports")
    sent_at = timezone.now() - timedelta(hours=1)
    Operation.objects.update(state="unknown", sent_at=sent_at)
    status, findings = doctor()
    assert status == 1
    assert f"unknown for long; {operation.pk}" in " ".join(findings)


def test_cloud_that_refuses_is_wrong(healthy, settings):
    settings.EVSPORTAL_SANDBOX_URL = "http://127.0.0.1:1"
    clouds.forget()
    status, (finding,) = doctor()
    assert status == 2
    assert finding.startswith("cloud sandbox: failed: No connection")
    assert doctor("--no-clouds") == (0, [])


def test_damaged_trail_is_wrong(healthy):
    row = action(random.Random(1), 1)
    row.save()
    seal_new_rows(at_once=True)
    guards.lift()
    Action._base_manager.filter(pk=row.pk)._raw_delete("default")
    guards.install()
    status, (finding,) = doctor()
    assert status == 2
    assert f"DAMAGED (missing). Row {row.pk} of action is missing." in finding


def test_missing_trigger_is_a_warning(healthy):
    guards.lift()
    status, findings = doctor()
    guards.install()
    assert status == 1
    assert "trigger guard_action_change" in " ".join(findings)


def test_rows_without_a_seal_for_long_are_wrong(healthy):
    row = exchange(random.Random(1), 1)
    row.at = timezone.now() - timedelta(hours=2)
    row.save()
    assert Exchange.objects.count() == 1
    status, findings = doctor()
    assert status == 2
    assert "trail: Rows of exchange have waited 120 minutes for a seal." in findings


def test_push_that_fails_is_wrong(healthy, settings):
    target = "https://siem.example.org/hook"
    settings.EVSPORTAL_AUDIT_PUSH = [target]
    Pushed.objects.create(
        target=push.digest_of(target), failing_since=timezone.now(), trouble="it answered 500"
    )
    status, (finding,) = doctor()
    assert status == 2
    assert "siem.example.org since" in finding
    assert "it answered 500" in finding


@pytest.mark.parametrize(("free", "status"), [(10**8, 2), (10**9, 1), (10**11, 0)])
def test_full_disk_is_seen_before_it_is_full(healthy, free, status, monkeypatch):
    usage = SimpleNamespace(total=10**12, used=10**12 - free, free=free)
    monkeypatch.setattr(machine, "shutil", SimpleNamespace(disk_usage=lambda _: usage))
    assert doctor()[0] == status


def test_mail_server_that_is_away_is_wrong(healthy, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EVSPORTAL_EMAIL_FROM = "portal@example.org"
    status, (finding,) = doctor()
    assert status == 2
    assert finding.startswith("mail: The mail server does not take")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a server says it in its own words")
def test_missing_database_is_one_finding(healthy, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "path_of_database", lambda: tmp_path / "none.sqlite3")
    assert [finding.text for finding in machine.look_at_database()] == [
        f"There is no database {tmp_path / 'none.sqlite3'}."
    ]


@pytest.fixture
def tls_server(tmp_path):
    """Shows a certificate that ends in so many days."""
    listening = []

    def serve(days):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(tmp_path, days))
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def answer():
            plain, _ = server.accept()
            with context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        return f"https://localhost:{server.getsockname()[1]}"

    yield serve
    for server in listening:
        server.close()


def _certificate(folder, days):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    ends_at = datetime.now(tz=UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(ends_at - timedelta(days=100)).not_valid_after(ends_at)
    path = folder / "both.pem"
    encoding = serialization.Encoding.PEM
    path.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(encoding)
        + key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


@pytest.mark.parametrize(("days", "level"), [(90, 0), (5, 1), (-2, 2)])
def test_end_of_certificate_is_told_in_time(tls_server, days, level):
    (finding,) = look_at_certificate(tls_server(days))
    assert finding.level == level
    assert "The certificate of localhost ends on" in finding.text


def test_site_that_does_not_answer_is_wrong():
    (finding,) = look_at_certificate("https://127.0.0.1:1")
    assert "cannot be asked: Connection refused" in finding.text


def test_site_without_tls_has_no_certificate():
    assert list(look_at_certificate("http://127.0.0.1:1")) == []
