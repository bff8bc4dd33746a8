"""Reading the reason of a refusal in every shape that clouds and gateways use."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.evs import errors
from snapshots.evs.errors import error_from_answer


def body(value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


SOAP = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="x"><soapenv:Body><soapenv:Fault>'
    "<faultcode>soapenv:Client</faultcode><faultstring>No &amp; never</faultstring>"
    "<detail><x>deeper</x></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
SOAP_12 = (
    "<env:Envelope><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value></env:Code>"
    '<env:Reason><env:Text xml:lang="en">No, never</env:Text></env:Reason></env:Fault></env:Body>'
    "</env:Envelope>"
)
OLD_CINDER = '<forbidden code="403" xmlns="x"><message>No, never</message></forbidden>'

# name: body, code, words
SAID = {
    "evs": ({"error": {"code": "EVS.5403", "message": "No."}}, "EVS.5403", "No."),
    "cinder": ({"forbidden": {"code": 403, "message": "No."}}, "forbidden", "No."),
    "gateway": ({"error_code": "APIGW.0302", "error_msg": "No."}, "APIGW.0302", "No."),
    "json:api": (
        {"errors": [{"status": "403", "code": "E.1", "title": "Forbidden", "detail": "No."}]},
        "E.1",
        "No.",
    ),
    "json:api with a title only": ({"errors": [{"title": "No."}]}, "", "No."),
    "json:api without a code": ({"errors": [{"status": 403, "detail": "No."}]}, "", "No."),
    "json:api, second error speaks": ({"errors": [{"id": "1"}, {"detail": "No."}]}, "", "No."),
    "errors as texts": ({"errors": ["No.", "Never."]}, "", "No."),
    "bare list": ([{"errorCode": "E.1", "message": "No."}], "E.1", "No."),
    "problem details": (
        {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "No."},
        "",
        "No.",
    ),
    "problem title": ({"title": "No.", "status": 403}, "", "No."),
    "soap in json": ({"faultcode": "Client", "faultstring": "No."}, "Client", "No."),
    "soap under a name": (
        {"error_message": {"faultcode": "Client", "faultstring": "No."}},
        "Client",
        "No.",
    ),
    "soap in json in a text": (
        {"error_message": json.dumps({"faultcode": "Client", "faultstring": "No."})},
        "Client",
        "No.",
    ),
    "oauth": (
        {"error": "invalid_grant", "error_description": "No."},
        "invalid_grant",
        "No.",
    ),
    "error is a text": ({"error": "No."}, "", "No."),
    "error is empty, message speaks": ({"error": "", "message": "No."}, "", "No."),
    "spring": (
        {"timestamp": 1, "status": 403, "error": "Forbidden", "message": "No.", "path": "/"},
        "",
        "No.",
    ),
    "spring without words": ({"status": 403, "error": "Forbidden", "message": ""}, "", "Forbidden"),
    "message only": ({"message": "No."}, "", "No."),
    "reason": ({"reason": "No."}, "", "No."),
    "detail": ({"detail": "No."}, "", "No."),
    "detail is a list": ({"detail": [{"loc": ["body"], "msg": "No."}]}, "", "No."),
    "message is an object": ({"error": {"message": {"detail": "No."}}}, "", "No."),
    "code beside it": ({"error": {"code": "E.1", "message": {"message": "No."}}}, "E.1", "No."),
    "message is a list": ({"message": ["No.", "Never."]}, "", "No."),
    "neutron": (
        {"NeutronError": {"type": "Denied", "message": "No.", "detail": ""}},
        "",
        "No.",
    ),
    "other case": ({"Error": {"Code": "E.1", "Message": "No."}}, "E.1", "No."),
    "title is less than what is inside": (
        {"title": "Forbidden", "errors": [{"detail": "No."}]},
        "",
        "No.",
    ),
    "soap": (SOAP, "soapenv:Client", "No & never"),
    "soap 1.2": (SOAP_12, "env:Sender", "No, never"),
    "cinder's old xml": (OLD_CINDER, "", "No, never"),
    "object storage": (
        "<Error><Code>AccessDenied</Code><Message><![CDATA[No.]]></Message></Error>",
        "AccessDenied",
        "No.",
    ),
    "page": (
        "<!DOCTYPE html><html><head><title>\n 403 &ndash; No. </title></head><h1>x</h1>",
        "",
        "403 \N{EN DASH} No.",
    ),
    "page in capitals": ("<HTML><TITLE>No.</TITLE></HTML>", "", "No."),
    "bare text": ("No,\n never. ", "", "No, never."),
    "text with a byte order mark": ("\ufeffNo.", "", "No."),
    "json with a byte order mark": ('\ufeff{"message": "No."}', "", "No."),
    "a json text": ('"No."', "", "No."),
}


@pytest.mark.parametrize(("answer", "code", "message"), SAID.values(), ids=SAID)
def test_reason_is_read_wherever_it_stands(answer, code, message):
    error = error_from_answer(403, {}, body(answer))
    assert (error.message, error.code) == (message, code)
    assert isinstance(error, errors.Forbidden)


NOT_SAID = {
    "nothing": "",
    "blanks": " \r\n ",
    "page without a title": "<html><h1>Forbidden</h1></html>",
    "page with an empty title": "<html><title> </title></html>",
    "other xml": "<a><b>1</b></a>",
    "broken json": '{"error": {"message": "No',
    "broken list": '["No',
    "empty object": {},
    "empty fault": {"error": {}},
    "empty words": {"error": {"message": " "}},
    "only a status": {"status": 403, "path": "/v2/snapshots"},
    "unknown keys": {"error": {"message": {"x": 1}}},
    "numbers": [1, 2],
    "no letters": "-- 403 --",
    "null": "null",
    "truth": "true",
}


@pytest.mark.parametrize("answer", NOT_SAID.values(), ids=NOT_SAID)
def test_answer_without_a_reason_says_so(answer):
    error = error_from_answer(403, {}, body(answer))
    assert error.message == "The cloud answered 403 without saying why."
    assert error.code == ""


@pytest.mark.parametrize("answer", [b"\xff\xfe\x00N", b"\x00\x01\x02", b"PK\x03\x04 zip"])
def test_bytes_that_are_no_text_give_no_reason(answer):
    assert "without saying why" in error_from_answer(500, {}, answer).message


FOREIGN = {
    "detail": {"detail": "Not found."},
    "problem": {"title": "Not Found", "status": 404},
    "error is a text": {"error": "Not Found"},
    "page": "<html><title>404 Not Found</title></html>",
    "bare text": "404 page not found",
    "soap": SOAP,
    "json:api": {"errors": [{"status": "404", "title": "Not Found"}]},
}


@pytest.mark.parametrize("answer", FOREIGN.values(), ids=FOREIGN)
def test_foreign_404_says_nothing_about_a_snapshot(answer):
    assert type(error_from_answer(404, {}, body(answer))) is errors.NoSuchApi


def test_native_404_says_that_the_thing_is_gone():
    answer = {"itemNotFound": {"code": 404, "message": "Snapshot x could not be found."}}
    assert type(error_from_answer(404, {}, body(answer))) is errors.NotFound


def test_foreign_413_is_no_quota():
    page = "<html><title>413 Request Entity Too Large</title></html>"
    assert type(error_from_answer(413, {}, body(page))) is errors.BadRequest


# --- quota ------------------------------------------------------------------------------------

QUOTA = [
    "Quota exceeded for resources: ['snapshots'].",
    "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
    "SnapshotLimitExceeded: Maximum number of snapshots allowed (10) exceeded",
    "Maximum number of snapshots allowed (10) exceeded for quota 'snapshots'.",
    "VolumeSizeExceedsAvailableQuota: Requested volume",
    "Requested volume or snapshot exceeds allowed gigabytes quota. Requested 10G, quota is 10G",
    "The number of snapshots exceeds the quota.",
    "The snapshot quota has been used up.",
    "The snapshot quota is insufficient.",
    "Insufficient snapshot quota",
    "Not enough quota left for the project",
    "No snapshot quota left",
    "There are no quotas available",
    "The snapshot quota is 10, used 10",
    "quota not enough",
    "You have reached your quota of snapshots",
    "You have reached the maximum number of EVS snapshots.",
    "Over quota",
    "The project is over its quota",
    "Access denied: quota exceeded",
    "Forbidden. Quota is exceeded.",
    "Operation not permitted because the snapshot quota is exceeded",
    "You are not allowed to create snapshots because your quota is used up",
    "The snapshot cannot be created due to snapshot quota exceeded",
    "You are not authorized to create more snapshots: quota exceeded",
    "Snapshot limit exceeded",
    "快照配额不足",
    "QUOTA EXCEEDED",
]
NO_QUOTA = [
    "not authorized to update quota",
    "You are not authorized to perform the requested action: update quota.",
    "Policy doesn't allow volume_extension:quotas:update to be performed.",
    "Policy does not allow os_quota:exceed to be performed. quota",
    "You are not allowed to exceed the quota.",
    "User has insufficient privileges to change the quota",
    "Insufficient permission for quota sets",
    "You do not have permission to raise an exhausted quota",
    "You have no authority over quota settings",
    "Only an administrator may see the quota.",
    "There is no quota set of this name",
    "The role to update quotas is missing",
    "The quota set of another project cannot be shown",
    "Quota service unavailable",
    "Insufficient rights.",
    "Request limit exceeded",
    "Volume size exceeds 64 GB",
    "No.",
]


@pytest.mark.parametrize("message", QUOTA)
@pytest.mark.parametrize("shape", ["forbidden", "error", "errors", "text"])
def test_403_with_a_quota_message_is_quota_exceeded(message, shape):
    shapes = {
        "forbidden": {"forbidden": {"code": 403, "message": message}},
        "error": {"error": {"code": "EVS.5403", "message": message}},
        "errors": {"errors": [{"status": "403", "detail": message}]},
        "text": message,
    }
    error = error_from_answer(403, {}, body(shapes[shape]))
    assert type(error) is errors.QuotaExceeded
    assert error.outcome_known


@pytest.mark.parametrize("message", NO_QUOTA)
def test_403_that_only_mentions_a_quota_is_forbidden(message):
    error = error_from_answer(403, {}, body({"forbidden": {"code": 403, "message": message}}))
    assert type(error) is errors.Forbidden


@pytest.mark.parametrize(
    "code",
    ["QuotaExceeded", "QUOTA_EXCEEDED", "OverQuota", "InsufficientQuota", "Quota.NotEnough"],
)
def test_403_with_a_quota_code_is_quota_exceeded(code):
    error = error_from_answer(403, {}, body({"error": {"code": code, "message": "No."}}))
    assert type(error) is errors.QuotaExceeded


@pytest.mark.parametrize("code", ["QuotaUpdateForbidden", "Quota.Denied", "EVS.5403"])
def test_403_with_a_code_about_quotas_is_forbidden(code):
    error = error_from_answer(403, {}, body({"error": {"code": code, "message": "No."}}))
    assert type(error) is errors.Forbidden


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_quota_message_does_not_change_other_statuses(status):
    answer = body({"error": {"code": "X", "message": "Quota exceeded"}})
    assert type(error_from_answer(status, {}, answer)) is not errors.QuotaExceeded


# --- anything ---------------------------------------------------------------------------------

KEYS = ["error", "errors", "message", "detail", "title", "reason", "faultstring", "code", "x"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc -.{}1", max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


def texts_in(value):
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [] if value is None or isinstance(value, bool) else [" ".join(str(value).split())]


@given(values)
def test_message_comes_from_the_answer_or_says_none(value):
    message = error_from_answer(400, {}, body(json.dumps(value))).message
    assert message == "The cloud answered 400 without saying why." or message in texts_in(value)


markup = st.lists(
    st.sampled_from(
        [
            "<html>",
            "<title>",
            "</title>",
            "<faultstring>",
            "</faultstring>",
            "<a:message>",
            "</a:message>",
            "<![CDATA[",
            "]]>",
            "<",
            ">",
            "&amp;",
            "&#0;",
            "x",
            "\x0b",
        ]
    ),
    max_size=30,
).map("".join)


@given(markup)
def test_no_markup_is_too_strange(text):
    error = error_from_answer(502, {}, text.encode())
    assert 0 < len(error.message) <= 500
    error.message.encode()


def test_hostile_markup_is_read_in_no_time():
    started = time.monotonic()
    for piece in ("<message>", "<", "<message", "<a:", "<html ", "exceed "):
        error_from_answer(403, {}, b"<" + piece.encode() * 100_000)
        error_from_answer(403, {}, piece.encode() * 100_000)
    assert time.monotonic() - started < 2
