"""Which error each answer becomes, and what it says of the outcome."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.evs import errors
from snapshots.evs.errors import error_from_answer


def body(value):
    return json.dumps(value).encode()


def fault(name, code, message="why"):
    return body({name: {"code": code, "message": message}})


SHAPES = {
    "evs": (400, fault("error", "EVS.1047"), errors.BadRequest, "EVS.1047"),
    "evs 404": (404, fault("error", "EVS.5404"), errors.NotFound, "EVS.5404"),
    "evs conflict": (409, fault("error", "EVS.2409"), errors.Conflict, "EVS.2409"),
    "evs 403": (403, fault("error", "EVS.2056"), errors.Forbidden, "EVS.2056"),
    "cinder 400": (400, fault("badRequest", 400), errors.BadRequest, "badRequest"),
    "cinder 404": (404, fault("itemNotFound", 404), errors.NotFound, "itemNotFound"),
    "huawei's cinder": (404, fault("itemNotFound", "404"), errors.NotFound, "itemNotFound"),
    "cinder 406": (406, fault("computeFault", 406), errors.BadRequest, "computeFault"),
    "cinder 500": (500, fault("computeFault", 500), errors.ServerFault, "computeFault"),
    "cinder 401": (401, fault("error", 401), errors.AuthFailed, ""),
    "cinder no path": (
        404,
        body({"message": "no<br /><br />\n\n", "code": "404 Not Found", "title": "Not Found"}),
        errors.NoSuchApi,
        "404 Not Found",
    ),
    "cinder body too large": (
        413,
        body({"message": "Request is too large.", "code": "413 Request Entity Too Large"}),
        errors.BadRequest,
        "413 Request Entity Too Large",
    ),
    "cinder quota": (
        413,
        body({"overLimit": {"code": 413, "message": "SnapshotLimitExceeded: Maximum (10)"}}),
        errors.QuotaExceeded,
        "overLimit",
    ),
    "cinder old rate limit": (
        413,
        fault("overLimitFault", 413, "This request was rate-limited."),
        errors.Throttled,
        "overLimitFault",
    ),
    "evs quota": (413, fault("error", "EVS.5413"), errors.QuotaExceeded, "EVS.5413"),
    "evs quota as 400": (400, fault("error", "EVS.1042"), errors.QuotaExceeded, "EVS.1042"),
    "quota by its text": (
        400,
        fault("badRequest", 400, "VolumeSizeExceedsAvailableQuota: Requested volume"),
        errors.QuotaExceeded,
        "badRequest",
    ),
    "unexplained 413": (413, b"", errors.QuotaExceeded, ""),
    "gateway token": (
        401,
        body({"error_msg": "token expires", "error_code": "APIGW.0301", "request_id": "r"}),
        errors.AuthFailed,
        "APIGW.0301",
    ),
    "gateway no api": (
        404,
        body({"error_msg": "no such API", "error_code": "APIGW.0101"}),
        errors.NoSuchApi,
        "APIGW.0101",
    ),
    "older gateway no api": (
        404,
        body({"error_msg": "no such API", "error_code": "APIG.0101"}),
        errors.NoSuchApi,
        "APIG.0101",
    ),
    "gateway throttle": (
        429,
        body({"error_msg": "over ratelimit,limit:200", "error_code": "APIGW.0308"}),
        errors.Throttled,
        "APIGW.0308",
    ),
    "bare 429": (429, b"", errors.Throttled, ""),
    "camel case": (403, body({"errorCode": "X.1", "errorMsg": "no"}), errors.Forbidden, "X.1"),
    "iam": (400, body({"error_code": "IAM.0011", "error_msg": "b"}), errors.BadRequest, "IAM.0011"),
    "list of errors": (400, body({"errors": [{"code": "E.1"}]}), errors.BadRequest, "E.1"),
    "nested": (400, body({"a": {"b": {"code": "E.2"}}}), errors.BadRequest, "E.2"),
    "html": (502, b"<html><h1>Bad Gateway</h1></html>", errors.ServerFault, ""),
    "html 404": (404, b"<!doctype html><title>404</title>", errors.NoSuchApi, ""),
    "empty 404": (404, b"", errors.NoSuchApi, ""),
    "html 403": (403, b"<html>", errors.Forbidden, ""),
    "405": (405, b"", errors.NoSuchApi, ""),
    "not utf-8": (400, b'{"error": "\xff\xfe"}', errors.BadRequest, ""),
    "wrong types": (
        400,
        body({"error": {"code": [1], "message": {"x": 1}}}),
        errors.BadRequest,
        "",
    ),
    "array": (400, b"[1, 2]", errors.BadRequest, ""),
    "endless nesting": (400, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, errors.BadRequest, ""),
    "huge number": (400, b'{"code":' + b"9" * 5000 + b"}", errors.BadRequest, ""),
    "redirect": (302, b"", errors.UnreadableAnswer, ""),
}


@pytest.mark.parametrize(("status", "answer", "kind", "code"), SHAPES.values(), ids=SHAPES)
def test_error_bodies_are_understood(status, answer, kind, code):
    error = error_from_answer(status, {}, answer)
    assert (type(error), error.code, error.status) == (kind, code, status)
    assert error.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "EVS.0002"),
        (400, "Common.0013"),
        (401, "EVS.5401"),
        (401, "APIGW.0301"),
        (401, "APIG.0301"),
        (401, "APIGW.0307"),
        (403, "APIGW.0307"),
    ],
)
def test_rejected_token_is_known_by_its_code(status, code):
    error = error_from_answer(status, {}, fault("error", code))
    assert isinstance(error, errors.AuthFailed)
    assert error.token_rejected
    assert error.outcome_known


@pytest.mark.parametrize(
    ("status", "code"), [(401, "APIGW.0303"), (403, "APIGW.0302"), (400, "EVS.5400"), (404, "X")]
)
def test_other_refusals_are_no_rejected_token(status, code):
    assert not error_from_answer(status, {}, fault("error", code)).token_rejected


@pytest.mark.parametrize(
    ("status", "headers", "answer", "outcome_known"),
    [
        (400, {}, b"", True),
        (404, {}, b"", True),
        (429, {}, b"", True),
        (500, {}, b"", False),
        (502, {}, b"", False),
        (503, {}, b"", False),
        (503, {"retry-after": "5"}, b"", False),
        (503, {"retry-after": "5"}, body({"error_code": "APIGW.0613", "error_msg": "m"}), True),
        (503, {}, body({"error_code": "APIGW.0613", "error_msg": "m"}), False),
        (200, {}, b"", False),
        (307, {}, b"", False),
    ],
)
def test_outcome_is_known_only_where_proved(status, headers, answer, outcome_known):
    assert error_from_answer(status, headers, answer).outcome_known is outcome_known


def test_outcome_of_unreachable_clouds():
    assert errors.NoConnection("x").outcome_known
    assert not errors.Timeout("x").outcome_known
    assert not errors.ConnectionCut("x").outcome_known


@pytest.mark.parametrize(
    ("headers", "answer", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7),
        ({"retry-after": " 1.5 "}, b"", 1.5),
        ({"retry-after": "-3"}, b"", 0),
        ({"retry-after": "99999999"}, b"", 3600),
        ({"retry-after": "soon"}, b"", None),
        ({"retry-after": "nan"}, b"", None),
        ({"retry-after": "inf"}, b"", None),
        (
            {
                "retry-after": "Thu, 15 Jan 2026 12:01:00 GMT",
                "date": "Thu, 15 Jan 2026 12:00:00 GMT",
            },
            b"",
            60,
        ),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, b"", 0),
        ({}, body({"overLimit": {"code": 413, "message": "m", "retryAfter": "4"}}), 4),
        ({"retry-after": "2"}, body({"overLimit": {"message": "m", "retryAfter": "4"}}), 2),
        ({}, b"", None),
    ],
)
def test_retry_after_in_seconds(headers, answer, seconds):
    assert error_from_answer(429, headers, answer).retry_after == seconds


def test_request_id_comes_from_the_first_filled_header():
    headers = {"x-compute-request-id": "req-2", "x-openstack-request-id": "req-1"}
    assert error_from_answer(500, headers, b"").request_id == "req-1"
    gateway = body({"error_code": "A", "error_msg": "m", "request_id": "body-id"})
    assert error_from_answer(500, {}, gateway).request_id == "body-id"


def test_message_is_bounded_and_on_one_line():
    error = error_from_answer(400, {}, fault("badRequest", 400, "a\nb\x00 " + "x" * 9000))
    assert error.message.startswith("a b\ufffd x")
    assert len(error.message) == 500


def test_signed_request_echoed_by_the_gateway_is_left_out():
    echo = "verify aksk signature fail, canonicalRequest:POST|/v2/|x-security-token:SECRET"
    error = error_from_answer(401, {}, body({"error_code": "APIGW.0301", "error_msg": echo}))
    assert error.message == "verify aksk signature fail"


def test_errors_print_status_code_and_request_id():
    error = errors.NotFound("Gone.", status=404, code="EVS.5404", request_id="req-1")
    assert str(error) == "Gone. (404, EVS.5404, req-1)"
    assert str(errors.Timeout("Late.")) == "Late."


@pytest.mark.parametrize("duplicate", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_can_be_copied(duplicate):
    error = errors.Throttled("Slow.", status=429, retry_after=3, outcome_known=True)
    assert vars(duplicate(error)) == vars(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "error_code", "error_msg", "overLimit", "retryAfter"]
            )
            | st.text(max_size=5),
            children,
            max_size=4,
        )
    ),
    max_leaves=10,
)
anything = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


@given(st.integers(100, 999), anything, st.text(max_size=30), st.text(max_size=30))
def test_any_answer_becomes_an_error(status, answer, retry_after, date):
    error = error_from_answer(status, {"retry-after": retry_after, "date": date}, answer)
    error.message.encode()
    assert len(error.message) <= 500
    assert error.outcome_known == (400 <= status < 500) or error.retry_after is not None


# --- secrets in what the cloud says -----------------------------------------------------------

SECRET = "planted-S3cret-value"


@pytest.mark.parametrize("filler", range(470, 500, 3))
def test_secret_cut_by_the_length_limit_leaves_nothing(filler):
    error = error_from_answer(
        400, {}, fault("badRequest", 400, "x" * filler + SECRET + " and more")
    )
    error.strike([SECRET])
    assert SECRET[:6] not in str(error)
    assert len(error.message) <= 500


def test_somebody_elses_token_is_not_repeated():
    token = "gAAAAABlZ1x0" + "aB3-xY7_" * 12
    error = error_from_answer(401, {}, fault("error", 401, f"The token {token} has expired."))
    assert error.message == "The token *** has expired."
    assert token not in str(error)
