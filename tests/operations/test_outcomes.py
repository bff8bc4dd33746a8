"""The table of errors, row by row."""

import json

import pytest

from snapshots.evs.errors import (
    AuthFailed,
    BadRequest,
    ConnectionCut,
    Forbidden,
    LoginFailed,
    NoConnection,
    NoEndpoint,
    NoSuchApi,
    NotFound,
    QuotaExceeded,
    ServerFault,
    Throttled,
    Timeout,
    UnreadableAnswer,
    error_from_answer,
)
from snapshots.models import Operation
from snapshots.operations.messages import MESSAGES, outcome_sentence
from snapshots.operations.outcomes import BY_CODE, Verdict, meaning_of
from snapshots.operations.texts import Fixer

REFUSE, RETRY, UNKNOWN, WAIT = Verdict.REFUSE, Verdict.RETRY, Verdict.UNKNOWN, Verdict.WAIT


def sentence(meaning):
    state = {REFUSE: "refused", UNKNOWN: "unknown"}.get(meaning.verdict, "queued")
    return outcome_sentence(Operation(kind="create", state=state, outcome_code=meaning.code))


def read(status, code, message="some words"):
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return meaning_of(error_from_answer(status, {}, body), sent=True)


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
        (403, "EVS.1027", REFUSE, "lacks a role"),
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
        (404, "APIGW.0101", REFUSE, "does not support this function"),
        (404, "APIG.0101", REFUSE, "does not support this function"),
        (401, "APIGW.0301", RETRY, "sign-in"),
        (403, "APIGW.0302", REFUSE, "permissions"),
        (401, "APIGW.0307", RETRY, "sign-in"),
        (429, "APIGW.0308", RETRY, "busy"),
        (504, "APIGW.0201", UNKNOWN, "may exist"),
        (400, "APIGW.0201", REFUSE, "refused the request"),
        (403, "APIGW.0802", REFUSE, "permissions"),
        (401, "1101", RETRY, "user name or password"),
        (403, "IAM.0003", REFUSE, "permissions"),
        (401, "IAM.0001", RETRY, "sign-in"),
        (418, "EVS.9999", REFUSE, "refused the request"),
        (500, "EVS.9999", UNKNOWN, "may exist"),
    ],
)
def test_a_code_has_one_meaning(status, code, verdict, words):
    outcome = read(status, code)
    assert outcome.verdict is verdict
    assert words in sentence(outcome)


@pytest.mark.parametrize(("status", "code"), [(400, "EVS.5400"), (409, ""), (409, "EVS.9999")])
def test_snapshot_in_progress_is_waited_for(status, code):
    outcome = read(status, code, "Another snapshot is being created for the disk.")
    assert outcome.verdict is WAIT


@pytest.mark.parametrize("code", ["1100", "IAM.0002", "IAM.0011", ""])
def test_error_at_token_renewal_never_refuses(code):
    assert meaning_of(LoginFailed("x", status=403, code=code), sent=True).verdict is RETRY


# Every code that is documented for these calls, with the statuses it comes with.
LISTED = [
    *((400, f"EVS.{number}", REFUSE) for number in (
        "0001", 1002, 1003, 1004, 1012, 1013, 1018, 1023, 1024, 1025, 1034, 1039, 1040, 1041, 1042,
        1047, 1052, 1058, 1062, 1070, 2043, 2045, 2047, 2059, 2068, 2089, 2093, 2108, 2142, 5400,
    )),
    *((403, f"EVS.{number}", REFUSE) for number in ("0003", 1027, 2056, 2144, 2145, 5403)),
    *((500, f"EVS.{number}", UNKNOWN) for number in (2001, 2002, 2005, 2019, 2023, 5500)),
    (400, "EVS.0002", RETRY),
    (400, "EVS.1033", RETRY),
    (400, "EVS.2130", WAIT),
    (409, "EVS.2409", WAIT),
    (401, "EVS.5401", RETRY),
    (404, "EVS.5404", REFUSE),
    (413, "EVS.5413", REFUSE),
    (503, "EVS.5503", UNKNOWN),
    (400, "Common.0013", RETRY),
    (400, "Common.0018", REFUSE),
    (404, "APIGW.0101", REFUSE),
    *((400, f"APIGW.010{digit}", REFUSE) for digit in (3, 4, 5, 6)),
    *((404, f"APIGW.010{digit}", REFUSE) for digit in (3, 4, 5, 6)),
    *((500, f"APIGW.010{digit}", UNKNOWN) for digit in (3, 4, 5, 6)),
    *((status, "APIGW.0201", REFUSE) for status in (400, 413, 414, 494)),
    *((status, "APIGW.0201", UNKNOWN) for status in (500, 502, 504)),
    *((401, f"APIGW.{number}", RETRY) for number in ("0301", "0303", "0305", "0307")),
    *((403, f"APIGW.{n}", REFUSE) for n in ("0302", "0306", "0310", "0401", "0402", "0802")),
    (429, "APIGW.0308", RETRY),
    (500, "APIGW.0601", UNKNOWN),
    (400, "APIGW.0602", REFUSE),
    (503, "APIGW.0613", UNKNOWN),
    (400, "1100", REFUSE),
    (401, "1101", RETRY),
    (401, "1103", RETRY),
    (403, "IAM.0002", REFUSE),
    (403, "IAM.0003", REFUSE),
    (500, "IAM.0006", UNKNOWN),
    (400, "IAM.0007", REFUSE),
    (401, "IAM.0009", RETRY),
    (400, "IAM.0011", REFUSE),
]  # fmt: skip
BY_STATUS_ON_PURPOSE = {"EVS.5400", "APIGW.0201"}  # they stand for anything


@pytest.mark.parametrize(("status", "code", "verdict"), LISTED)
def test_listed_code_is_decided_by_row_or_status(status, code, verdict):
    assert (code.upper() in BY_CODE) is (code not in BY_STATUS_ON_PURPOSE)
    assert read(status, code).verdict is verdict
    assert read(status, code.replace("APIGW", "APIG")).verdict is verdict


def test_no_row_is_there_that_nobody_listed():
    assert set(BY_CODE) == {code.upper() for _, code, _ in LISTED} - BY_STATUS_ON_PURPOSE


@pytest.mark.parametrize("code", sorted({code for _, code, _ in LISTED} | {"IAM.0001"}))
def test_every_error_code_at_sign_in_is_retried(code):
    body = json.dumps({"error_code": code, "error_msg": "no"}).encode()
    outcome = meaning_of(error_from_answer(401, {}, body), sent=False)
    assert outcome.verdict is RETRY
    assert "Nothing was made" in sentence(outcome) or "by itself" in sentence(outcome)


def test_every_row_has_words_for_its_verdict():
    for code, outcome in BY_CODE.items():
        assert sentence(outcome).endswith("."), code


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
    assert meaning_of(error, sent=True).verdict is verdict


def test_what_never_left_is_never_unknown():
    assert meaning_of(Timeout("the sign-in took too long"), sent=False).verdict is RETRY


def test_wrong_volume_state_is_recognized_by_message():
    message = "Invalid volume: Volume x status must be available, but current status is: in-use."
    assert "state does not allow" in sentence(read(400, "EVS.5400", message))
    assert "state does not allow" not in sentence(read(400, "EVS.5400", "something else"))


@pytest.mark.parametrize("status", [408, 444, 460, 463, 499])
def test_proxy_status_proves_nothing_about_the_cloud(status):
    html = error_from_answer(status, {}, b"<html>client closed request</html>")
    assert meaning_of(html, sent=True).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("Another snapshot of the volume is being created.", WAIT),
        ("another snapshot in progress", WAIT),
        ("The volume is creating another snapshot.", WAIT),
        ("Volume is being used to create another snapshot, please try again later.", WAIT),
        ("Snapshot creation is in progress for another snapshot of this volume.", WAIT),
        ("Another snapshot operation is running on the volume.", WAIT),
        ("another snapshot is in process", WAIT),
        ("The name is used by another snapshot that is being kept.", REFUSE),
        ("The volume was created from another snapshot.", REFUSE),
        ("The name is already used by another snapshot.", REFUSE),
        ("The volume was restored from another snapshot.", REFUSE),
    ],
)
def test_only_snapshot_in_creation_is_waited_for(message, verdict):
    assert read(400, "EVS.5400", message).verdict is verdict


def test_message_about_quota_overrides_the_code():
    for status, code in [(403, "EVS.5403"), (400, "EVS.5400"), (403, "403")]:
        outcome = read(status, code, "Quota exceeded for resources: ['snapshots'].")
        assert (outcome.verdict, MESSAGES[outcome.code].fixer) == (REFUSE, Fixer.CLOUD_ADMIN)
        assert "quota" in sentence(outcome)


def test_policy_that_mentions_the_quota_is_told_as_permissions():
    assert "permissions" in sentence(read(403, "EVS.5403", "not authorized to update quota"))


@pytest.mark.parametrize("sent", [True, False])
def test_missing_endpoint_is_for_the_administrator(sent):
    outcome = meaning_of(NoEndpoint("The catalog has no region x."), sent=sent)
    assert (outcome.verdict, MESSAGES[outcome.code].fixer) == (REFUSE, Fixer.PORTAL_ADMIN)
    assert "region or the address" in sentence(outcome)
