"""Every token that a strict client refuses opens nothing, and the trail says why."""

import time

import jwt
import pytest

from tests.sso.conftest import CALLBACK, SignIn, last_refusal
from tests.sso.lying_provider import new_key

NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "another portal"}, "audience"),
        ({"aud": ["another portal"]}, "audience"),
        ({"aud": {"portal": 1}}, "audience"),
        ({"aud": 7}, "audience"),
        ({"aud": None}, "claim missing"),
        ({"iss": "http://127.0.0.1:1"}, "issuer"),
        ({"iss": ["http://127.0.0.1:1"]}, "issuer"),
        ({"iss": None}, "claim missing"),
        ({"exp": NOW - 3600}, "expired"),
        ({"exp": None}, "claim missing"),
        ({"exp": "soon"}, "token"),
        ({"exp": {}}, "token"),
        ({"nbf": NOW + 3600}, "not yet valid"),
        ({"nbf": [1]}, "token"),
        ({"iat": NOW + 3600}, "not yet valid"),
        ({"iat": None}, "claim missing"),
        ({"iat": "yesterday"}, "token"),
        ({"azp": "another portal"}, "authorized party"),
        ({"azp": ["portal"]}, "authorized party"),
        ({"aud": ["portal", "another"]}, "authorized party"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"sub": None}, "claim missing"),
        ({"sub": ""}, "subject"),
        ({"sub": "\x00"}, "subject"),
        ({"sub": "s" * 192}, "subject"),
        ({"sub": 7}, "token"),
        ({"sub": ["s-1"]}, "token"),
        ({"sub": "s-2"}, "userinfo"),
    ],
)
def test_hostile_claims_are_refused(provider, refusal, claims, code):
    provider.claims = claims
    assert refusal() == code


def test_unsigned_token_is_refused(provider, refusal):
    provider.algorithm = "none"
    assert refusal() == "algorithm"


def test_public_key_as_a_shared_secret_is_refused(provider, refusal):
    provider.algorithm = "HS256"
    assert refusal() == "algorithm"


def test_signature_of_another_key_is_refused(provider, refusal):
    provider.signing_key = new_key()
    assert refusal() == "signature"


def test_key_that_is_not_published_is_refused(provider, refusal):
    provider.header = {"kid": "of nobody"}
    assert refusal() == "key"


def test_shared_secret_among_the_keys_is_no_key(provider, refusal):
    provider.published = [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]
    assert refusal() == "key"


@pytest.mark.parametrize("published", [[7], ["key"], [{}], [{"kid": "first"}], {"kid": 1}, "keys"])
def test_odd_keys_are_no_fault_of_ours(provider, refusal, published):
    provider.published = published
    assert refusal() in {"key", "token"}


def test_token_without_a_key_name_needs_a_single_key(provider, refusal, sign_in):
    provider.header = {}
    assert sign_in().status_code == 302
    sign_in.client.logout()
    provider.published = [provider.public_jwk(), {**provider.public_jwk(), "kid": "second"}]
    assert refusal() == "key"


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "..", 7, ["a"], {"a": 1}])
def test_garbage_is_refused(provider, refusal, token):
    provider.token = token
    assert refusal() in {"token missing", "token"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        7,
        "text",
        b"",
        b"<html>",
        b"\xff",
        {"access_token": 7},
        {"access_token": "a-1"},
        {"access_token": "a-1", "expires_in": "soon"},
    ],
)
def test_odd_answers_to_a_code_are_refused(provider, refusal, answer):
    provider.token_answer = answer
    assert refusal() in {"code", "token missing"}


@pytest.mark.parametrize("userinfo", [{}, {"sub": "s-2"}, {"sub": ["s-1"]}, [], b"<html>"])
def test_userinfo_of_somebody_else_is_refused(provider, refusal, userinfo):
    provider.userinfo = userinfo
    assert refusal() in {"userinfo", "unreachable"}


def test_answer_counts_once(sign_in):
    query = sign_in.start()
    assert sign_in.finish(query).status_code == 302
    sign_in.client.logout()
    assert sign_in.finish(query).status_code == 401
    assert last_refusal() == "state"


def test_answer_of_another_session_is_refused(sign_in, provider, client_of_mallory):
    query = sign_in.start()
    assert SignIn(client_of_mallory, provider).finish(query).status_code == 401
    assert last_refusal() == "state"
    assert "_auth_user_id" not in client_of_mallory.session


@pytest.fixture
def client_of_mallory():
    from django.test import Client

    return Client()


def test_answer_for_another_code_verifier_is_refused(provider, refusal, sign_in):
    query = sign_in.start()
    provider.code_challenge = "of another sign-in"
    assert sign_in.finish(query).status_code == 401
    assert last_refusal() == "code"


def test_token_of_an_earlier_sign_in_is_refused(provider, sign_in):
    first, second = sign_in.start(), sign_in.start()
    provider.token = provider.sign({"nonce": first["nonce"]})
    assert sign_in.finish(second).status_code == 401
    assert last_refusal() == "nonce"


def test_answer_of_another_issuer_is_refused(sign_in):
    assert sign_in.finish(sign_in.start(), iss="https://evil.example").status_code == 401
    assert last_refusal() == "issuer"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "state"),
        ({"state": "x", "code": "y"}, "state"),
        ({"state": "\ud800".encode("utf-8", "surrogatepass"), "code": "y"}, "state"),
        ({"error": "access_denied"}, "state"),
    ],
)
def test_callback_out_of_nowhere_is_refused(client, provider, parameters, code):
    assert client.get(CALLBACK, parameters).status_code == 401
    assert last_refusal() == code


@pytest.mark.parametrize(
    ("error", "code"), [("access_denied", "cancelled"), ("<b>server</b>", "provider")]
)
def test_error_of_the_provider_is_shown_in_our_words(client, sign_in, error, code):
    query = sign_in.start()
    answer = client.get(CALLBACK, {"state": query["state"], "error": error})
    assert answer.status_code == 401
    assert error not in answer.text
    assert last_refusal() == code


def test_rotated_key_is_accepted_at_once(provider, sign_in, refusal):
    assert sign_in().status_code == 302
    sign_in.client.logout()
    retired = provider.key
    provider.key, provider.kid, provider.header = new_key(), "second", {"kid": "second"}
    assert sign_in().status_code == 302
    sign_in.client.logout()
    provider.signing_key, provider.header = retired, {"kid": "first"}
    assert refusal() == "key"


def test_other_asymmetric_algorithms_are_accepted(provider, sign_in):
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    provider.published = [{**jwk, "kid": "first"}]
    provider.signing_key, provider.algorithm = key, "ES256"
    assert sign_in().status_code == 302


def test_key_of_another_kind_than_the_algorithm_is_refused(provider, refusal):
    provider.algorithm = "PS256"
    provider.published = [{**provider.public_jwk(), "kty": "EC", "crv": "P-256", "x": "", "y": ""}]
    assert refusal() in {"token", "key"}


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "metadata"),
        ({"issuer": 7}, "metadata"),
        ({"jwks_uri": "http://evil.example/jwks"}, "metadata"),
        ({"token_endpoint": "file:///etc/passwd"}, "metadata"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "metadata"),
        ({"userinfo_endpoint": ["https://x"]}, "metadata"),
    ],
)
def test_metadata_that_lies_starts_nothing(client, provider, lie, code):
    provider.metadata = lie
    assert client.post("/accounts/provider/").status_code == 503
    assert last_refusal() == code
