"""What may be remembered of an exchange."""

import json

import pytest

from snapshots.audit.record.redaction import (
    MASK,
    fingerprint,
    has_original_body,
    mask_body,
    mask_headers,
    request_id_of,
)
from snapshots.models import Exchange

SECRET = "planted-S3cret-value"


def stored(body, **options):
    return mask_body(body, most_bytes=10_000, **options)


def test_token_headers_become_fingerprints_that_can_be_compared():
    first = mask_headers({"X-Auth-Token": SECRET, "Authorization": SECRET})
    assert first["X-Auth-Token"] == first["Authorization"] == fingerprint(SECRET)
    assert SECRET not in str(first)


def test_unlisted_headers_keep_only_their_name():
    remaining = mask_headers({"Cookie": SECRET, "Content-Type": "application/json"})
    assert remaining == {"Cookie": "(left out)", "Content-Type": "application/json"}


def test_secret_in_allowed_header_is_struck_out():
    remaining = mask_headers({"Location": f"http://x/?token={SECRET}"}, secrets=[SECRET])
    assert SECRET not in remaining["Location"]


def test_sign_in_body_leaves_only_its_length():
    body = stored(b'{"password": "x"}', login=True)
    assert body.text == "(sign-in, 17 bytes, left out)"
    assert (body.size_bytes, body.sha256) == (17, "")


def test_body_without_secrets_is_stored_as_it_came():
    text = '{ "snapshot" :{"name":"caf\\u00e9"} }'
    body = stored(text.encode())
    assert body.text == text
    assert not body.cut


@pytest.mark.parametrize("key", ["password", "adminPassword", "X-Auth-Token", "secret_key"])
def test_secret_values_are_masked_by_their_key(key):
    content = json.dumps({"deep": [{"er": {key: SECRET, "name": "kept"}}]}).encode()
    text = stored(content).text
    assert SECRET not in text
    assert json.loads(text)["deep"][0]["er"] == {key: MASK, "name": "kept"}


def test_known_secret_is_struck_out_wherever_it_stands():
    content = json.dumps({"message": f"bad \u015f{SECRET}\u015f", SECRET: 1}).encode()
    assert SECRET not in stored(content, secrets=[SECRET]).text


@pytest.mark.parametrize(
    "spelt",
    [
        "pa%2Fss%20w%C3%B6rd%2B1",
        "pa%2fss%20w%c3%b6rd%2b1",
        "pa/ss%20w%C3%B6rd%2B1",
        "pa%2Fss+w%C3%B6rd%2B1",
        "cGEvc3Mgd8O2cmQrMQ==",
        "pa/ss w\\u00f6rd+1",
    ],
)
def test_known_secret_is_struck_out_in_each_spelling(spelt):
    body = stored(f"back: {spelt} end".encode(), secrets=["pa/ss w\u00f6rd+1"])
    assert body.text.replace("=", "") == "back: *** end"


def test_secret_with_quotes_is_struck_from_json():
    odd = 'pa"ss\\wörd'
    text = stored(json.dumps({"message": f"wrong: {odd}"}).encode(), secrets=[odd]).text
    assert MASK in text
    assert "wörd" not in text
    assert "w\\u00f6rd" not in text


@pytest.mark.parametrize(
    "text",
    [
        f'<html>password = "{SECRET}"</html>',
        f'{{"token": "{SECRET}", "cut',
        f"X-Auth-Token: {SECRET}",
        f"secret={SECRET}&a=b",
        f"<p>Authorization: Bearer {SECRET}</p>",
    ],
)
def test_secret_pairs_are_masked_in_plain_text(text):
    assert SECRET not in stored(text.encode()).text


@pytest.mark.parametrize("word", ["password", "secret-", "x-auth-token", "eyJaaaaaaaa-", "token "])
def test_a_hostile_megabyte_is_looked_through_once(word):
    """Were each place looked through to the end, this would take hours."""
    body = (word * (2**20 // len(word))).encode()
    assert stored(body).size_bytes == len(body)


@pytest.mark.parametrize(
    "content",
    [
        f'{{"a": {{"password": "{SECRET}"}}, "a": 1}}',
        f'{{"error_msg": "bad: password={SECRET}"}}',
        json.dumps({"message": json.dumps({"password": SECRET})}),
        json.dumps({"token": {"id": [SECRET]}}),
    ],
    ids=range(4),
)
def test_secrets_that_json_hides_are_masked(content):
    text = stored(content.encode()).text
    assert SECRET not in text
    assert MASK in text


def test_cut_body_keeps_original_size_and_digest():
    body = mask_body("ş".encode() * 100, most_bytes=33)
    assert body.text == "ş" * 16
    assert (body.size_bytes, body.cut, len(body.sha256)) == (200, True, 64)


@pytest.mark.parametrize("raw", [b"\x00a", b"\xff\xfe", b'"\\ud800"', b"[" * 100_000])
def test_any_bytes_can_be_stored(raw):
    text = mask_body(raw + b" token", most_bytes=1_000_000).text
    assert "\x00" not in text
    text.encode()


def test_first_request_id_header_counts():
    headers = {"x-compute-request-id": "req-1", "X-Request-Id": "gate-1"}
    assert request_id_of(headers) == "gate-1"
    assert request_id_of({}) == ""


FERNET = "gAAAAABlZ1x0" + "aB3-xY7_" * 12
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLXBsYW50ZWQ"


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ({"tokens": [SECRET, SECRET], "n": [1]}, {"tokens": [MASK, MASK], "n": [1]}),
        (
            {"token": {"id": SECRET, "user": {"id": "u"}}},
            {"token": {"id": MASK, "user": {"id": "u"}}},
        ),
        ({"adminPass": SECRET}, {"adminPass": MASK}),
        ({"secrets": [[SECRET], {"id": SECRET}]}, {"secrets": [[MASK], {"id": MASK}]}),
    ],
    ids=range(4),
)
def test_lists_of_secrets_and_older_tokens_are_masked(content, left):
    assert json.loads(stored(json.dumps(content).encode()).text) == left


@pytest.mark.parametrize(
    "text",
    [
        f"invalid {FERNET}.",
        f"invalid {JWT}.",
        f"-----BEGIN EC PRIVATE KEY-----\\n{SECRET}\\n-----END EC PRIVATE KEY-----",
        f"X-Auth-Token: {SECRET}",
        f"Authorization: Bearer {SECRET}",
    ],
    ids=range(5),
)
def test_token_shapes_are_struck_from_any_text(text):
    masked = stored(json.dumps({"message": text}).encode()).text
    for secret in (FERNET, JWT, SECRET):
        assert secret not in masked
    assert MASK in json.loads(masked)["message"]


def test_body_without_secrets_is_original():
    plain = stored(b'{"name": "n"}')
    row = Exchange(body=plain.text, body_sha256=plain.sha256)
    assert has_original_body(row)
    masked = stored(json.dumps({"password": SECRET}).encode())
    assert not has_original_body(Exchange(body=masked.text, body_sha256=masked.sha256))


@pytest.mark.parametrize("name", ["PASSWORD", "ſecret", "toKen", "sİgnature", "authorızation"])
def test_key_in_any_case_and_alphabet_is_masked(name):
    assert SECRET not in stored(json.dumps({name: SECRET}, ensure_ascii=False).encode()).text
