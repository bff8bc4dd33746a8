"""Each error page names a reference, which stands in the log and in the answer's header."""

import logging
import re
from ipaddress import ip_network

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from django.test import Client

from evsportal.logs import ContextFilter
from snapshots.sign_in.errors import TryLaterError
from tests import factories as scene
from tests.front.web_client import head, post


@pytest.fixture
def log(caplog):
    """The lines with their request ids, as the handler writes them."""
    caplog.handler.addFilter(context := ContextFilter())
    caplog.set_level(logging.INFO)
    yield caplog
    caplog.handler.removeFilter(context)


def _quoted(text):
    return re.search(r"quote <code>([0-9a-f-]{36})</code>", text)[1]


def _ids(log):
    return {record.request_id for record in log.records}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest(), 400),
        (PermissionDenied(), 403),
        (Http404(), 404),
        (RequestDataTooBig(), 413),
        (TryLaterError(9), 429),
        (RuntimeError(), 500),
        (OperationalError(), 503),
    ],
    ids=str,
)
def test_error_page_names_what_the_log_has(db, monkeypatch, log, error, status):
    scene.healthy_portal()
    client = Client(raise_request_exception=False)
    client.force_login(scene.person("alice"))

    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("snapshots.selectors.operations.operations_page", fail)
    answer = client.get("/requests/")
    assert answer.status_code == status
    assert answer.headers["X-Request-ID"] == _quoted(answer.text)
    assert _quoted(answer.text) in _ids(log)


def test_wrong_method_names_its_reference(db):
    answer = Client().get("/accounts/logout/")
    assert answer.status_code == 405
    assert answer.headers["X-Request-ID"] == _quoted(answer.text)


def test_reference_is_the_portal_s_own_behind_a_proxy(db, log, settings):
    settings.EVSPORTAL_TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    answer = Client().get("/nowhere/", headers={"X-Request-ID": "proxy-id-1234"})
    assert f"proxy-id-1234/{_quoted(answer.text)}" in _ids(log)


@pytest.mark.parametrize(
    ("sent", "status", "sentence"),
    [
        (head(f"GET /{'x' * 40_000} HTTP/1.1"), 414, "The address is too long"),
        (post("Content-Length: 1000000000"), 413, "The form is too large"),
    ],
    ids=["414", "413"],
)
def test_what_the_web_server_refuses_names_its_reference(web, log, sent, status, sentence):
    answer = web.ask(sent)
    assert answer.status == status
    assert sentence in answer.text
    assert answer.headers["X-Request-ID"] == _quoted(answer.text)
    assert _quoted(answer.text) in _ids(log)
