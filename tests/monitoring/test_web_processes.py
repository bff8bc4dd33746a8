"""The figures of a real web server: whichever of its processes answers knows those of all."""

import json
import os
import signal
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import running
from tests.monitoring.conftest import TOKEN, samples_of
from tests.waiting import until

LOGIN = ("evsportal_http_requests_total", "2xx", "login")
PROCESSES = 3


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("portal")
    settings = {
        "EVSPORTAL_METRICS_TOKEN": TOKEN,
        "EVSPORTAL_WEB_PROCESSES": str(PROCESSES),
        "EVSPORTAL_LOG_FORMAT": "json",
        "EVSPORTAL_ACCESS_LOG": "true",
    }
    with running(folder, **settings) as stack:
        yield stack


def figures_of(portal):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(f"{portal.url}/metrics", headers=headers, timeout=20)
    assert answer.status_code == 200
    return samples_of(answer.text)


def ask(portal, times):
    for _ in range(times):
        answer = requests.get(f"{portal.url}/accounts/login/", timeout=20)
        assert answer.status_code == 200


def web_processes(portal):
    """Those that answer: the children of gunicorn's parent."""
    parents = children_of(portal.pid)
    return [child for parent in parents for child in children_of(parent) if is_gunicorn(child)]


def children_of(pid):
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if said_by(process / "stat").rpartition(")")[2].split()[1:2] == [str(pid)]
    ]


def is_gunicorn(pid):
    return "gunicorn" in said_by(Path(f"/proc/{pid}/cmdline"))


def said_by(path):
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # the process has ended meanwhile


def test_figures_of_all_processes_are_added_up(portal):
    before = figures_of(portal).get(LOGIN, 0)
    ask(portal, 30)
    counts = {figures_of(portal)[LOGIN] for _ in range(12)}
    assert counts == {before + 30}


def test_killed_process_takes_no_figure_away(portal):
    ask(portal, 12)
    before = figures_of(portal)[LOGIN]
    killed = web_processes(portal)[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len({*web_processes(portal)} - {killed}) == PROCESSES)
    assert figures_of(portal)[LOGIN] == before
    ask(portal, 12)
    assert {figures_of(portal)[LOGIN] for _ in range(6)} == {before + 12}


def test_no_file_is_left(portal):
    names = {path.name for path in portal.folder.rglob("*")}
    assert not any(name.endswith(".db") or "metric" in name for name in names)


def test_figures_of_the_worker_come_through_the_database(portal):
    def seen():
        values = figures_of(portal)
        codes = ("200", "201")
        exchanges = [("evsportal_exchanges_total", "sandbox", code) for code in codes]
        return ("evsportal_workers_alive",) in values and all(map(values.get, exchanges))

    until(seen, seconds=60)  # the first reading of a portal that has just started
    values = figures_of(portal)
    assert values["evsportal_workers_alive",] == 1
    assert values["evsportal_ready",] == values["evsportal_database_up",] == 1
    assert values["evsportal_duty_age_seconds", "inventory", "sandbox"] < 60


def test_every_line_of_the_log_is_an_object(portal):
    answer = requests.get(f"{portal.url}/no-such-page/?q=%0aforged", timeout=20)
    request_id = answer.headers["X-Request-ID"]
    until(lambda: portal.log().count(request_id) >= 2)  # Django's line and the access log's
    written = portal.log().split("\n")[:-1]
    lines = [json.loads(line) for line in written if not line.startswith("Sandbox listening")]
    assert all({"at", "level", "logger", "message"} <= set(line) for line in lines)
    access = [line for line in lines if line["logger"] == "access" and "no-such" in line["message"]]
    assert [(line["status"], line["request_id"]) for line in access] == [("404", request_id)]
    assert {"serve", "access", "django.request"} <= {line["logger"] for line in lines}
