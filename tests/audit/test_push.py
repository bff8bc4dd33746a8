"""New rows reach every place outside, each of its kind, as an export spells them."""

import io
import json
import random
import tracemalloc
import zipfile

import pytest
from django.db import connection
from push_scene import all_rows, got, is_in_order, keys_of, push_all, rows_by_key
from receivers import CERTIFICATE, a_hook, a_log_server, datagrams, rows_in
from trail_scene import action, exchange, fill

from snapshots.audit.archive.export import ExportRequest, write_export
from snapshots.audit.archive.export_files import Zip
from snapshots.audit.delivery import push
from snapshots.audit.delivery.push import push_new_rows
from snapshots.checks import check_push
from snapshots.models import Pushed

pytestmark = pytest.mark.django_db


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


def test_hook_gets_every_row_as_exported(hook):
    fill(30)
    push_all()
    push_all()
    assert rows_by_key(got(hook)) == all_rows()
    assert len(hook.got) == len(all_rows())
    fill(3, seed=2)
    push_all()
    assert rows_by_key(got(hook)) == all_rows()
    assert len(hook.got) == len(all_rows())
    assert {headers["Content-Type"] for headers in hook.seen} == {"application/x-ndjson"}


def test_the_bytes_are_those_of_rows_jsonl(settings, tmp_path):
    settings.EVSPORTAL_AUDIT_PUSH = [f"file:{tmp_path}/rows.jsonl"]
    fill(40)
    push_all()
    packed = io.BytesIO()
    archive = Zip(packed)
    write_export(archive, ExportRequest(made_by="test"))
    archive.end()
    exported = zipfile.ZipFile(packed).read("rows.jsonl")
    assert (tmp_path / "rows.jsonl").read_bytes() == exported


def test_a_log_server_gets_rfc_5424_messages(log_server):
    fill(30)
    push_all()
    rows = rows_in(log_server.got)
    assert rows_by_key(rows) == all_rows()
    assert is_in_order(rows)


def test_untrusted_tls_server_gets_nothing(settings):
    fill(3)
    with a_log_server(is_tls=True) as server:
        settings.EVSPORTAL_AUDIT_PUSH = [f"syslog+tls://127.0.0.1:{server.server_address[1]}"]
        push_all()
        assert not server.got
        assert Pushed.objects.get().trouble == "its certificate is not trusted"
        settings.EVSPORTAL_AUDIT_CA = str(CERTIFICATE)
        push_all()
        assert rows_by_key(rows_in(server.got)) == all_rows()


def test_over_https_only_a_trusted_hook_gets_anything(settings):
    fill(3)
    with a_hook(is_tls=True) as server:
        address = f"https://bob:planted@127.0.0.1:{server.server_port}/in"
        settings.EVSPORTAL_AUDIT_PUSH = [address]
        push_all()
        assert not server.got
        assert Pushed.objects.get().trouble == "its certificate is not trusted"
        settings.EVSPORTAL_AUDIT_CA = str(CERTIFICATE)
        push_all()
        assert rows_by_key(got(server)) == all_rows()
        assert server.seen[0]["Authorization"].startswith("Basic ")
    assert "planted" not in str(list(Pushed.objects.values()))


def test_udp_row_is_a_datagram_cut_if_long(settings):
    with datagrams() as receiver:
        settings.EVSPORTAL_AUDIT_PUSH = [f"syslog://127.0.0.1:{receiver.getsockname()[1]}"]
        action(random.Random(1), 1).save()
        push_all()
        assert rows_by_key(rows_in([receiver.recv(70_000).decode()])) == all_rows()
        row = exchange(random.Random(2), 1, body="ß" * 100_000)
        row.save()
        push_all()
        cut = receiver.recv(70_000).decode()
    assert f'{{"table": "exchange", "seq": {row.pk}, "id": "{row.id}"' in cut
    assert len(cut.encode()) in {59_999, 60_000}


def test_cut_file_goes_on_with_a_new_line(settings, tmp_path):
    settings.EVSPORTAL_AUDIT_PUSH = [f"file:{tmp_path}/rows.jsonl"]
    (tmp_path / "rows.jsonl").write_text('{"table": "exch')
    fill(3)
    push_all()
    broken, *lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert broken == '{"table": "exch'
    assert rows_by_key(json.loads(line) for line in lines) == all_rows()


def test_target_with_new_gets_later_rows_only(hook, settings):
    [target] = settings.EVSPORTAL_AUDIT_PUSH
    settings.EVSPORTAL_AUDIT_PUSH = [f"{target}#new"]
    fill(10)
    before = all_rows()
    push_all()
    assert not hook.got
    fill(3, seed=2)
    push_all()
    later = {key: row for key, row in all_rows().items() if key not in before}
    assert rows_by_key(got(hook)) == later
    settings.EVSPORTAL_AUDIT_PUSH = [target]  # it is still the same place
    count = len(hook.got)
    push_all()
    assert len(hook.got) == count


def test_huge_row_is_sent_in_small_batches(hook, monkeypatch):
    monkeypatch.setattr(push, "BYTES_OF_A_TABLE", 2000)
    monkeypatch.setattr(push, "ROWS_OF_A_TABLE", 5)
    fill(10)
    exchange(random.Random(99), 1, body="ß" * 500_000).save()
    push_all()
    assert rows_by_key(got(hook)) == all_rows()
    assert len(set(keys_of(hook))) > 3
    assert is_in_order(got(hook))


def test_memory_does_not_grow_with_what_waits(settings, tmp_path):
    settings.EVSPORTAL_AUDIT_PUSH = [f"file:{tmp_path}/rows.jsonl"]
    for number in range(40):
        exchange(random.Random(number), number, body="x" * 1024 * 1024).save()
    tracemalloc.start()
    push_all()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "rows.jsonl").stat().st_size > 40 * 1024 * 1024
    assert peak < 20 * 1024 * 1024


@pytest.mark.parametrize(
    "text",
    ["line\nend\r\n", '"] <109>1 - forged', '[a@1 b="]\\"]', "\u202e\u2028", "\u2400", "\udcff"],
    ids=["line ends", "a message", "structured data", "marks", "nul", "half a pair"],
)
def test_hostile_texts_stay_in_their_message(log_server, text):
    if text == "\udcff" and connection.vendor == "postgresql":
        pytest.skip("cannot even be stored there")
    action(random.Random(1), 1, details={"a": text}).save()
    push_all()
    [facts] = [item for item in rows_in(log_server.got) if item["table"] == "action"]
    assert facts["details"] == {"a": text.replace("\udcff", "?")}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("http://elsewhere/secret-path", "http://elsewhere is no place"),
        ("ftp://x", "no place"),
        ("stdout", "no place"),
        ("https://x/#old", "only “new” means something"),
        ("https://x:secret-path/", "cannot be read"),
        ("https://[x/secret-path", "cannot be read"),
        ("syslog+tls://", "no place"),
    ],
)
def test_impossible_target_is_refused_at_start(settings, target, sentence):
    settings.EVSPORTAL_AUDIT_PUSH = [target]
    [error] = check_push()
    assert error.id == "evsportal.E009"
    assert sentence in error.msg
    assert "secret-path" not in error.msg


def test_udp_is_taken_with_a_warning(settings):
    settings.EVSPORTAL_AUDIT_PUSH = ["syslog://log:514"]
    [warning] = check_push()
    assert (warning.id, warning.is_serious()) == ("evsportal.W002", False)
    assert "rows may get lost" in warning.msg


def test_missing_authority_file_is_reported_at_start(settings):
    settings.EVSPORTAL_AUDIT_CA = "/nowhere.pem"
    assert [error.id for error in check_push()] == ["evsportal.E009"]


def test_nothing_new_costs_no_lock_and_no_request(hook, django_assert_max_num_queries):
    fill(3)
    push_all()
    count = len(hook.seen)
    with django_assert_max_num_queries(6):
        push_new_rows(*push.settings.EVSPORTAL_AUDIT_PUSH)
    assert len(hook.seen) == count
