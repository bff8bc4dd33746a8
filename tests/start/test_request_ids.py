"""A proxy's id of a request: in answer, log lines and rows, if the proxy is trusted."""

import ipaddress
import uuid

import pytest

from evsportal.forwarded import settle
from evsportal.logs import ContextFilter
from snapshots.models import Action

PROXY, STRANGER = "127.0.0.1", "203.0.113.9"
NGINX = "4f1c2b7a90d34e5f8a6b7c8d9e0f1a2b"
CAUSE = uuid.UUID(NGINX)


@pytest.fixture(autouse=True)
def trusted(settings):
    settings.EVSPORTAL_TRUSTED_PROXIES = [ipaddress.ip_network(PROXY)]


def refused_sign_in(client, *, sent, by=PROXY):
    form = {"username": "mallory", "password": "wrong"}
    headers = {"X-Request-ID": sent}
    answer = client.post("/accounts/login/", form, headers=headers, REMOTE_ADDR=by)
    return answer["X-Request-ID"], Action.objects.latest("seq").cause


@pytest.mark.parametrize("sent", [NGINX, NGINX.upper(), str(CAUSE), f"req-{CAUSE}"])
def test_uuid_of_a_proxy_is_in_answer_and_trail(client, db, sent):
    assert refused_sign_in(client, sent=sent) == (sent, CAUSE)


def test_lines_name_both_spellings(client, db, caplog):
    caplog.handler.addFilter(ContextFilter())
    client.get("/no-such-page/", headers={"X-Request-ID": NGINX})
    client.get("/no-such-page/", headers={"X-Request-ID": str(CAUSE)})
    ids = [record.request_id for record in caplog.records if "no-such-page" in record.getMessage()]
    assert ids == [f"{NGINX}/{CAUSE}", str(CAUSE)]


def test_other_id_of_a_trusted_proxy_is_answered_only(client, db):
    answered, cause = refused_sign_in(client, sent="edge-7.abcdef")
    assert answered == "edge-7.abcdef"
    assert cause.version == 4


def test_id_of_a_stranger_is_neither(client, db):
    answered, cause = refused_sign_in(client, sent=NGINX, by=STRANGER)
    assert answered == str(cause) != str(CAUSE)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "short",
        "x" * 65,
        "with blanks in it",
        "line\nbreak",
        "<script>",
        "ünïcödé-id",
        "-option",
        f"{NGINX}\n",
        f"{NGINX},{NGINX}",
    ],
)
def test_what_is_no_id_is_replaced(client, db, sent):
    answered, cause = refused_sign_in(client, sent=sent)
    assert answered == str(cause) != str(CAUSE)


@pytest.mark.parametrize("peer", [STRANGER, "", "unix"])
def test_header_of_others_is_taken_away(settings, peer):
    environ = {"REMOTE_ADDR": peer, "HTTP_X_REQUEST_ID": NGINX}
    settle(environ, settings.EVSPORTAL_TRUSTED_PROXIES)
    assert not environ.get("HTTP_X_REQUEST_ID")


def test_error_page_shows_the_id(client, db):
    answer = client.get("/no-such-page/")
    assert f"<code>{answer['X-Request-ID']}</code>" in answer.text
