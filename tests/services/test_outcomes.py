"""The table of errors, row by row."""

import json

import pytest

from snapshots.evs.errors import (
    AuthFailed,
    BadRequest,
    ConnectionCut,
    Forbidden,
    NoConnection,
    NoSuchApi,
    NotFound,
    QuotaExceeded,
    ServerFault,
    Throttled,
    Timeout,
    UnreadableAnswer,
    error_from_answer,
)
from snapshots.services.outcomes import BY_CODE, Fixer, Verdict, outcome_of

REFUSE, RETRY, UNKNOWN, WAIT = Verdict.REFUSE, Verdict.RETRY, Verdict.UNKNOWN, Verdict.WAIT


def read(status, code, message="some words"):
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return outcome_of(error_from_answer(status, {}, body), sent=True)


@pytest.mark.parametrize(
    ("status", "code", "verdict", "words"),
    [
        (400, "EVS.0001", REFUSE, "wrong project"),
        (400, "EVS.0002", RETRY, "sign-in"),
        (403, "EVS.0003", REFUSE, "permissions"),
        (400, "EVS.1002", REFUSE, "volume id"),
        (400, "EVS.1003", REFUSE, "name"),
        (400, "EVS.1004", REFUSE, "description"),
        (400, "EVS.1012", REFUSE, "temporary disk"),
        (400, "EVS.1013", REFUSE, "fault of the portal"),
        (403, "EVS.1027", REFUSE, "arrears"),
        (400, "EVS.1033", RETRY, "quota"),
        (400, "EVS.1034", REFUSE, "quota"),
        (400, "EVS.1042", REFUSE, "quota"),
        (500, "EVS.2001", UNKNOWN, "may exist"),
        (500, "EVS.2019", UNKNOWN, "may exist"),
        (403, "EVS.2056", REFUSE, "permissions"),
        (400, "EVS.2068", REFUSE, "locked"),
        (400, "EVS.2089", REFUSE, "disaster recovery"),
        (400, "EVS.2093", REFUSE, "not an EVS disk"),
        (400, "EVS.2130", WAIT, "backed up"),
        (403, "EVS.2144", REFUSE, "suspended"),
        (409, "EVS.2409", WAIT, "Another snapshot"),
        (401, "EVS.5401", RETRY, "sign-in"),
        (403, "EVS.5403", REFUSE, "permissions"),
        (404, "EVS.5404", REFUSE, "no longer knows"),
        (413, "EVS.5413", REFUSE, "quota"),
        (500, "EVS.5500", UNKNOWN, "may exist"),
        (503, "EVS.5503", UNKNOWN, "may exist"),
        (400, "Common.0013", RETRY, "sign-in"),
        (400, "Common.0018", REFUSE, "wrong project"),
        (404, "APIGW.0101", REFUSE, "no such call"),
        (404, "APIG.0101", REFUSE, "no such call"),
        (401, "APIGW.0301", RETRY, "sign-in"),
        (403, "APIGW.0302", REFUSE, "permissions"),
        (401, "APIGW.0307", RETRY, "sign-in"),
        (429, "APIGW.0308", RETRY, "busy"),
        (504, "APIGW.0201", UNKNOWN, "may exist"),
        (400, "APIGW.0201", REFUSE, "refused the request"),
        (403, "APIGW.0802", REFUSE, "permissions"),
        (418, "EVS.9999", REFUSE, "refused the request"),
        (500, "EVS.9999", UNKNOWN, "may exist"),
    ],
)
def test_a_code_has_one_meaning(status, code, verdict, words):
    outcome = read(status, code)
    assert outcome.verdict is verdict
    assert words in outcome.words


def test_every_row_has_words_that_say_what_becomes_of_the_request():
    for code, outcome in BY_CODE.items():
        assert outcome.words.endswith("."), code
        assert isinstance(outcome.fixer, Fixer)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (NoConnection("x"), RETRY),
        (Throttled("x"), RETRY),
        (AuthFailed("x"), RETRY),
        (QuotaExceeded("x"), REFUSE),
        (Forbidden("x"), REFUSE),
        (NotFound("x"), REFUSE),
        (NoSuchApi("x"), REFUSE),
        (BadRequest("x"), REFUSE),
        (Timeout("x"), UNKNOWN),
        (ConnectionCut("x"), UNKNOWN),
        (ServerFault("x"), UNKNOWN),
        (UnreadableAnswer("x"), UNKNOWN),
        (ServerFault("x", outcome_known=True), RETRY),
    ],
)
def test_without_a_code_the_class_decides(error, verdict):
    assert outcome_of(error, sent=True).verdict is verdict


def test_what_never_left_is_never_unknown():
    assert outcome_of(Timeout("the sign-in took too long"), sent=False).verdict is RETRY


def test_a_volume_in_the_wrong_state_is_told_by_the_message():
    message = "Invalid volume: Volume x status must be available, but current status is: in-use."
    assert "state does not allow" in read(400, "EVS.5400", message).words
    assert "state does not allow" not in read(400, "EVS.5400", "something else").words
